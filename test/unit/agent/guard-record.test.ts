import { describe, expect, test } from 'vitest';
import { factsOf, restartsOf } from '../../../src/agent/guard/facts.ts';
import { reduceHolder } from '../../../src/agent/guard/holder.ts';
import { refusalFor, writtenBy } from '../../../src/agent/guard/refusal.ts';
import { isSame, orderProblem } from '../../../src/agent/guard/writes.ts';
import { guardOf, markPatch, readGuard } from '../../../src/agent/health/reduce-guard.ts';
import type { GuardOrder, GuardRecord } from '../../../src/agent/health/reduce-guard.ts';
import { reduceSplit } from '../../../src/agent/health/reduce-traffic.ts';
import type { NamespaceView } from '../../../src/agent/health/namespace-view.ts';
import type { Policy } from '../../../src/agent/operations/policy.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';
import type { Operation, OperationSpec } from '../../../src/protocol/operation.ts';

const split = { apiVersion: 'split.smi-spec.io/v1alpha2', kind: 'TrafficSplit', name: 'web' };
const route = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', name: 'web' };

const policy: Policy = { allowedNamespaces: ['shop'], protectedNames: ['HTTPRoute/holy'], maxReplicas: 5 };

const order: GuardOrder = {
  holder: split,
  writes: [
    { object: split, body: { spec: { backends: [] } } },
    { object: route, body: { spec: { rules: [] } } },
  ],
  rootService: 'web',
  stableService: 'web-stable',
  canaryService: 'web-canary',
  canaryHash: 'new',
  minReady: 1,
  lostContact: { afterMs: 600_000, do: 'hold' },
  rollout: 'r',
};

const record: GuardRecord = {
  state: 'armed',
  reason: '',
  at: '2026-01-01T00:00:00.000Z',
  operation: 'op-1',
  restarts: { uid: 2 },
  spec: order,
};

const holding = (annotations?: Record<string, string>, labels?: Record<string, string>): KubeObject => ({
  ...split,
  metadata: { name: 'web', ...(annotations && { annotations }), ...(labels && { labels }) },
  spec: {
    service: 'web',
    backends: [
      { service: 'web-stable', weight: 90 },
      { service: 'web-canary', weight: 10 },
    ],
  },
});

const marked = (each: GuardRecord): KubeObject => {
  const { annotations, labels } = markPatch(each);
  return holding(annotations as Record<string, string>, labels as Record<string, string>);
};

describe('a guard on an object', () => {
  test('is read as it was written, and told in the snapshot', () => {
    expect(readGuard(marked(record))).toEqual(record);
    expect(reduceHolder('splits', 'shop', marked(record), policy)).toMatchObject({ guard: record, canaryWeight: 10 });
    expect(reduceSplit(marked({ ...record, state: 'fired', reason: 'why' })).guard).toEqual({
      state: 'fired',
      reason: 'why',
    });
    expect(reduceSplit(holding()).guard).toBeUndefined();
    expect(markPatch(undefined)).toEqual({
      annotations: { 'sluice.dev/guard': null },
      labels: { 'sluice.dev/guard': null },
    });
  });

  test.each([
    ['no JSON', '{', /cannot be read: it is no JSON/],
    ['another shape', '{"state":"armed"}', /cannot be read/],
    ['an unknown state', JSON.stringify({ ...record, state: 'asleep' }), /state/],
    ['no pods to guard', JSON.stringify({ ...record, spec: { ...order, canaryHash: '' } }), /canaryHash/],
  ])('of %s is a sentence, and guards nothing', (_what, stored, expected) => {
    const object = holding({ 'sluice.dev/guard': stored });
    expect(readGuard(object)).toMatch(expected);
    expect(guardOf(object)).toEqual({ state: 'unreadable', reason: expect.stringMatching(expected) });
    expect(reduceHolder('splits', 'shop', object, policy).guard).toMatch(expected);
  });

  test('with a label and no record is unreadable too', () => {
    expect(readGuard(holding(undefined, { 'sluice.dev/guard': 'armed' }))).toContain('no annotation of that name');
  });

  test('a split that does not name the canary leaves its weight unknown', () => {
    const renamed = { ...record, spec: { ...order, canaryService: 'other' } };
    expect(reduceHolder('splits', 'shop', marked(renamed), policy).canaryWeight).toBeUndefined();
  });
});

describe("the writes of a guard are the agent's deeds: only weights, only here", () => {
  const withWrite = (object: object, body: unknown): GuardOrder => ({
    ...order,
    writes: [{ object: { ...route, ...object }, body }],
  });
  test.each([
    ['none', { ...order, writes: [] }, /no writes/],
    ['a Secret', withWrite({ apiVersion: 'v1', kind: 'Secret' }, { spec: {} }), /Secret web; a guard writes only/],
    [
      'a kind of that name in another group',
      withWrite({ apiVersion: 'evil.example/v1' }, { spec: { rules: [] } }),
      /a guard writes only/,
    ],
    [
      "a Deployment's image",
      withWrite({ apiVersion: 'apps/v1', kind: 'Deployment' }, { spec: { template: {} } }),
      /more of Deployment web than spec.replicas/,
    ],
    ['metadata beside the weights', withWrite({}, { spec: { rules: [] }, metadata: {} }), /more of HTTPRoute web/],
    ['nothing', withWrite({}, {}), /more of/],
    ['a list', withWrite({}, []), /more of/],
    ['what the policy protects', withWrite({ name: 'holy' }, { spec: { rules: [] } }), /HTTPRoute holy is protected/],
    [
      'more replicas than the policy allows',
      withWrite({ apiVersion: 'apps/v1', kind: 'Deployment' }, { spec: { replicas: 6 } }),
      /6 replicas of Deployment web are more than 5/,
    ],
    [
      'another namespace',
      withWrite({ namespace: 'bank' }, { spec: { rules: [] } }),
      /HTTPRoute bank\/web of another namespace/,
    ],
  ])('%s is refused', (_what, given, expected) => {
    expect(orderProblem(given, 'shop', policy)).toMatch(expected);
    expect(reduceHolder('splits', 'shop', marked({ ...record, spec: given }), policy).guard).toMatch(expected);
  });

  test('weights and sizes are not', () => {
    expect(orderProblem(order, 'shop', policy)).toBeUndefined();
    const sized = withWrite(
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace: 'shop' },
      { spec: { replicas: 0 } },
    );
    expect(orderProblem(sized, 'shop', policy)).toBeUndefined();
  });

  test('an object is the same in every version of its API', () => {
    expect(isSame(split, { ...split, apiVersion: 'split.smi-spec.io/v1alpha1' })).toBe(true);
    expect(isSame(split, { ...split, apiVersion: 'v1' })).toBe(false);
    expect(isSame(split, { ...split, name: 'other' })).toBe(false);
  });
});

describe('what an agent sees, as facts', () => {
  const pods = [
    ['canary', { uid: 'c1', hash: 'new', ready: true, deleting: false, restarts: 3 }],
    ['second', { uid: 'c2', hash: 'new', ready: false, deleting: false, restarts: 0 }],
    ['stable', { uid: 's1', hash: 'old', ready: true, deleting: false, restarts: 7 }],
  ].map(([name, more]) => [name, { ownerUid: '', record: { name, ...(more as object) } }]);
  const slices = [
    ['a', { service: 'web-canary', ready: ['c1'], notReady: ['c2'] }],
    ['b', { service: 'web-stable', ready: ['s1'], notReady: [] }],
    ['c', { service: 'web-stable', ready: ['s1', 'c1'], notReady: [] }],
  ];
  const live = { state: 'live', listed: true, reason: '' };
  const view = (more: object = {}): Pick<NamespaceView, 'copies'> => ({
    copies: {
      pods: { ...live, entries: new Map(pods as never), ...more },
      slices: { ...live, entries: new Map(slices as never) },
    } as never,
  });
  const rest = { canaryWeight: 10, silentMs: 5 };

  test('each endpoint counts once, and canary pods are no stable', () => {
    expect(factsOf(order, { c1: 2 }, view(), rest)).toMatchObject({
      ...rest,
      blind: '',
      canaryReady: 1,
      stableReady: 1,
      pods: [{ restarts: 3, restartsBefore: 2 }, { restartsBefore: 0 }],
    });
    expect(restartsOf('new', view())).toEqual({ c1: 3 });
  });

  test('without a Service of its own, the canary has its ready pods', () => {
    expect(factsOf({ ...order, canaryService: '' }, {}, view(), rest).canaryReady).toBe(1);
  });

  test('a watch that is broken, or has not listed, is said', () => {
    expect(factsOf(order, {}, view({ state: 'broken', reason: 'gone' }), rest).blind).toBe(
      'the watch of pods is broken (gone)',
    );
    expect(factsOf(order, {}, view({ state: 'starting', listed: false }), rest).blind).toBe('pods are not listed yet');
  });
});

describe('once it has fired', () => {
  const operation = (spec: OperationSpec, more: Partial<Operation> = {}): Operation => ({
    id: 'o',
    deploymentId: 'd',
    namespace: 'shop',
    notAfterMs: 0,
    spec,
    ...more,
  });
  const fired = [
    {
      isFired: true,
      record: { ...record, state: 'fired' as const, reason: 'it crashed' },
      covers: (each: typeof split) => isSame(each, split),
    },
  ];
  const refused = (spec: OperationSpec, more?: Partial<Operation>): boolean =>
    refusalFor(operation(spec, more), writtenBy(spec), fired) !== undefined;
  const patch: OperationSpec = { kind: 'patch', object: split, type: 'merge', body: {} };

  test.each<[string, OperationSpec, boolean]>([
    ['a patch', patch, true],
    ['an apply among others', { kind: 'apply', objects: [holding(), { ...route, metadata: { name: 'x' } }] }, true],
    ['a scale', { kind: 'scale', object: split, replicas: 1 }, true],
    ['the same guard again', { kind: 'guard', ...order }, true],
    ['a dry run', { kind: 'apply', objects: [holding()], dryRun: true }, false],
    ['a read', { kind: 'get', object: split }, false],
    ['a removal', { kind: 'delete', object: split, propagation: 'background' }, false],
    ['another object', { ...patch, object: { ...split, name: 'other' } }, false],
  ])('%s: refused %s', (_what, spec, isRefused) => {
    expect(refused(spec)).toBe(isRefused);
    expect(refused(spec, { afterGuard: true })).toBe(false);
  });

  test('it says when and why', () => {
    const refusal = refusalFor(operation(patch), writtenBy(patch), fired);
    expect(refusal).toMatchObject({ state: 'superseded', code: 'SUPERSEDED' });
    expect(refusal?.message).toMatch(
      /TrafficSplit web fired at 2026-01-01T00:00:00.000Z and sent all traffic to web-stable: it crashed/,
    );
  });
});
