import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JobRecord, Snapshot, Watch } from '../../../src/protocol/snapshot.ts';
import type {
  Operation,
  OperationResult,
  OperationSpec,
  ResultCode,
  TerminalState,
} from '../../../src/protocol/operation.ts';
import { decodeOperation, encodeOperation } from '../../../src/protocol/operation-codec.ts';
import { decodeStatus, encodeStatus } from '../../../src/protocol/status-codec.ts';
import { decodeSnapshot, decodeWatch, encodeSnapshot, encodeWatch } from '../../../src/protocol/snapshot-codec.ts';
import {
  LIMITS,
  decodeAgentMessage,
  decodeHubMessage,
  encodeAgentMessage,
  encodeHubMessage,
} from '../../../src/protocol/service.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 30 });
const word = fc.string({ minLength: 1, maxLength: 20 });
const count = fc.nat({ max: 2 ** 31 });
const time = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
/** What survives JSON: no undefined, no -0, no lone surrogates. */
const json = fc.jsonValue({ stringUnit: 'grapheme' }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const kubeObject = fc.record({ apiVersion: word, kind: word, metadata: fc.record({ name: word }), spec: json });
const ref = fc.record(
  { apiVersion: word, kind: word, name: word, namespace: word, uid: word, resourceVersion: word },
  { requiredKeys: ['apiVersion', 'kind', 'name'] },
);

const spec: fc.Arbitrary<OperationSpec> = fc.oneof(
  fc.record({
    kind: fc.constant('apply' as const),
    objects: fc.array(kubeObject, { maxLength: 4 }),
    dryRun: fc.boolean(),
    force: fc.boolean(),
  }),
  fc.record(
    {
      kind: fc.constant('patch' as const),
      object: ref,
      type: fc.constantFrom('merge' as const, 'strategic' as const, 'json' as const),
      body: json,
      resourceVersion: word,
      forget: fc.constant(true),
    },
    { requiredKeys: ['kind', 'object', 'type', 'body'] },
  ),
  fc.record({ kind: fc.constant('scale' as const), object: ref, replicas: count }),
  fc.record({
    kind: fc.constant('delete' as const),
    object: ref,
    propagation: fc.constantFrom('background' as const, 'foreground' as const, 'orphan' as const),
    waitGone: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('get' as const), object: ref }),
  fc.record(
    {
      kind: fc.constant('list' as const),
      apiVersion: word,
      objectKind: word,
      namespace: word,
      labelSelector: word,
      fields: fc.array(word, { minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: ['kind', 'apiVersion', 'objectKind', 'namespace'] },
  ),
  fc.record({ kind: fc.constant('discover' as const), groups: fc.array(text, { maxLength: 3 }) }),
  fc.record({
    kind: fc.constant('reviewAccess' as const),
    namespace: word,
    rules: fc.array(fc.record({ group: text, resource: word, verb: word }), { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('logs' as const), namespace: word, labelSelector: word, tailLines: count }),
  fc.record(
    {
      kind: fc.constant('http' as const),
      method: word,
      url: word,
      headers: fc.dictionary(word, text, { maxKeys: 3, noNullPrototype: true }),
      body: word,
      timeoutMs: count,
      maxBytes: fc.integer({ min: 1, max: 2 ** 31 }),
    },
    { requiredKeys: ['kind', 'method', 'url', 'headers', 'timeoutMs'] },
  ),
  fc.record({
    kind: fc.constant('scrape' as const),
    namespace: word,
    labelSelector: word,
    port: count,
    path: word,
    metrics: fc.array(word, { maxLength: 3 }),
  }),
  fc.record(
    {
      kind: fc.constant('guard' as const),
      disarm: fc.boolean(),
      holder: ref,
      writes: fc.array(fc.record({ object: ref, body: json }), { maxLength: 3 }),
      rootService: word,
      stableService: word,
      canaryService: word,
      canaryHash: word,
      minReady: count,
      lostContact: fc.record({
        afterMs: fc.integer({ min: 1, max: 2 ** 40 }),
        do: fc.constantFrom('rollback' as const, 'hold' as const),
      }),
      rollout: word,
    },
    {
      requiredKeys: [
        'kind',
        'disarm',
        'holder',
        'writes',
        'rootService',
        'stableService',
        'canaryService',
        'canaryHash',
        'minReady',
        'rollout',
      ],
    },
  ),
);

const operation: fc.Arbitrary<Operation> = fc.record(
  {
    id: word,
    deploymentId: text,
    namespace: text,
    notAfterMs: time,
    generation: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    afterGuard: fc.constant(true),
    spec,
  },
  { requiredKeys: ['id', 'deploymentId', 'namespace', 'notAfterMs', 'spec'] },
);

const result: fc.Arbitrary<OperationResult> = fc.record(
  {
    id: word,
    state: fc.constantFrom<TerminalState>('rejected', 'succeeded', 'failed', 'superseded', 'expired', 'cancelled'),
    code: fc.constantFrom<ResultCode>('OK', 'CONFLICT', 'POLICY', 'TOO_LARGE', 'UNAVAILABLE', 'INTERNAL'),
    message: text,
    value: json,
    atMs: time,
  },
  { requiredKeys: ['id', 'state', 'code', 'message', 'atMs'] },
);

const watch: fc.Arbitrary<Watch> = fc.record(
  {
    id: word,
    namespace: word,
    deployment: word,
    services: fc.array(word, { maxLength: 3 }),
    split: word,
    routes: fc.array(word, { maxLength: 2 }),
    profiles: fc.array(word, { maxLength: 2 }),
    jobs: fc.array(word, { maxLength: 2 }),
  },
  { requiredKeys: ['id', 'namespace', 'deployment', 'services', 'routes', 'profiles', 'jobs'] },
);

const weights = fc.array(fc.record({ backend: word, weight: fc.oneof(count, fc.constant(-1), fc.constant(0.5)) }), {
  maxLength: 3,
});
const snapshot: fc.Arbitrary<Snapshot> = fc.record(
  {
    watchId: word,
    version: count,
    atMs: time,
    complete: fc.boolean(),
    stale: fc.boolean(),
    staleReason: text,
    deployment: fc.record({
      uid: word,
      resourceVersion: word,
      generation: count,
      observedGeneration: count,
      paused: fc.boolean(),
      desired: count,
      replicas: count,
      updated: count,
      ready: count,
      available: count,
      problems: fc.array(fc.record({ type: word, reason: text, message: text }), { maxLength: 2 }),
    }),
    replicaSets: fc.array(
      fc.record({
        name: word,
        uid: word,
        hash: text,
        ownerUid: text,
        revision: text,
        desired: count,
        replicas: count,
        ready: count,
        available: count,
        createdAt: text,
        failure: text,
      }),
      { maxLength: 3 },
    ),
    pods: fc.array(
      fc.record(
        {
          name: word,
          uid: word,
          hash: text,
          phase: text,
          ready: fc.boolean(),
          deleting: fc.boolean(),
          restarts: count,
          reason: text,
          message: text,
          failing: fc.boolean(),
          logTail: word,
        },
        {
          requiredKeys: [
            'name',
            'uid',
            'hash',
            'phase',
            'ready',
            'deleting',
            'restarts',
            'reason',
            'message',
            'failing',
          ],
        },
      ),
      { maxLength: 3 },
    ),
    endpoints: fc.array(
      fc.record({
        service: word,
        exists: fc.boolean(),
        ready: fc.array(word, { maxLength: 3 }),
        notReady: fc.array(word, { maxLength: 3 }),
      }),
      { maxLength: 3 },
    ),
    split: fc.record(
      {
        name: word,
        uid: word,
        resourceVersion: word,
        service: word,
        weights,
        guard: fc.record({
          state: fc.constantFrom('armed' as const, 'fired' as const, 'holding' as const),
          reason: text,
        }),
      },
      { requiredKeys: ['name', 'uid', 'resourceVersion', 'service', 'weights'] },
    ),
    routes: fc.array(
      fc.record({
        name: word,
        uid: word,
        resourceVersion: word,
        generation: count,
        weights,
        accepted: fc.boolean(),
        resolved: fc.boolean(),
        observedGeneration: count,
        reason: text,
      }),
      { maxLength: 2 },
    ),
    profiles: fc.array(fc.record({ name: word, resourceVersion: word, weights }), { maxLength: 2 }),
    jobs: fc.array(
      fc.record({
        name: word,
        uid: word,
        active: count,
        succeeded: count,
        failed: count,
        state: fc.constantFrom<JobRecord['state']>('running', 'complete', 'failed'),
        reason: text,
        message: text,
      }),
      { maxLength: 2 },
    ),
  },
  {
    requiredKeys: [
      'watchId',
      'version',
      'atMs',
      'complete',
      'stale',
      'staleReason',
      'replicaSets',
      'pods',
      'endpoints',
      'routes',
      'profiles',
      'jobs',
    ],
  },
);

describe('what is sent is what arrives', () => {
  test('every operation, with its epoch and whether it was sent before', () => {
    fc.assert(
      fc.property(operation, time, fc.boolean(), (sent, epoch, redelivered) => {
        const bytes = encodeHubMessage({ body: 'operation', operation: encodeOperation(sent, epoch, redelivered) });
        const wire = decodeHubMessage(bytes);
        expect(wire.body).toBe('operation');
        expect(decodeOperation(wire.operation!)).toEqual({ operation: sent, epoch, redelivered });
      }),
      { numRuns: 300 },
    );
  });

  test('every result, with its epoch', () => {
    fc.assert(
      fc.property(result, time, (sent, epoch) => {
        const bytes = encodeAgentMessage({ body: 'status', status: encodeStatus(sent, epoch) });
        expect(decodeStatus(decodeAgentMessage(bytes).status!)).toEqual({ status: sent, epoch });
      }),
    );
  });

  test('progress is not a result', () => {
    const sent = { id: 'a', state: 'running' as const, atMs: 7 };
    const bytes = encodeAgentMessage({ body: 'status', status: encodeStatus(sent, 3) });
    expect(decodeStatus(decodeAgentMessage(bytes).status!)).toEqual({ status: sent, epoch: 3 });
  });

  test('every watch', () => {
    fc.assert(
      fc.property(watch, (sent) => {
        const bytes = encodeHubMessage({ body: 'watchSet', watchSet: { watches: [encodeWatch(sent)] } });
        expect(decodeHubMessage(bytes).watchSet!.watches.map(decodeWatch)).toEqual([sent]);
      }),
    );
  });

  test('every snapshot', () => {
    fc.assert(
      fc.property(snapshot, (sent) => {
        const bytes = encodeAgentMessage({ body: 'snapshot', snapshot: encodeSnapshot(sent) });
        expect(decodeSnapshot(decodeAgentMessage(bytes).snapshot!)).toEqual(sent);
      }),
    );
  });
});

describe('what cannot be carried is refused before the write', () => {
  test('a message over the limit is TOO_LARGE and names the sizes; one at the limit passes', () => {
    const of = (bytes: number) => () =>
      encodeAgentMessage({ body: 'status', status: { id: 'a', result: Buffer.alloc(bytes) } });
    expect(of(LIMITS.maxMessageBytes)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE', message: expect.stringContaining('1048576') }),
    );
    expect(of(LIMITS.maxMessageBytes - 100)().byteLength).toBeLessThanOrEqual(LIMITS.maxMessageBytes);
  });

  test('an operation of an unknown kind is UNSUPPORTED, one with broken JSON is INVALID', () => {
    const wire = decodeHubMessage(encodeHubMessage({ body: 'operation', operation: { id: 'x' } }));
    expect(() => decodeOperation(wire.operation!)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
    const broken = decodeHubMessage(
      encodeHubMessage({ body: 'operation', operation: { id: 'x', apply: { objects: [Buffer.from('{')] } } }),
    );
    expect(() => decodeOperation(broken.operation!)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });
});
