import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { KubeGate } from '../support/kube-gate.ts';
import { TRAFFIC_SPLIT, configMap, deployment, installTrafficSplit, splitOf } from '../support/objects.ts';
import { SmallHub } from '../support/small-hub.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Operation, OperationSpec } from '../../src/protocol/operation.ts';

const GENERATION = 'sluice.dev/generation';

let plane: ControlPlane;
let gate: KubeGate;
let hub: SmallHub;
let agent: TestAgent;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
  await installTrafficSplit(plane.api);
  gate = await KubeGate.open(plane.kubeconfig);
  hub = await new SmallHub().listen();
  agent = await start();
});

afterEach(() => gate.take());

afterAll(async () => {
  await agent?.stop();
  await hub?.[Symbol.asyncDispose]();
  await gate?.[Symbol.asyncDispose]();
  await plane?.stop();
});

async function start(): Promise<TestAgent> {
  const server = `127.0.0.1:${hub.port}`;
  const started = await startAgent({ server, kubeconfig: gate.kubeconfig, namespaces: ['shop'] });
  await hub.connected();
  return started;
}

/** Another process as far as memory goes. */
async function restart(): Promise<void> {
  await agent.stop();
  await hub.until('the old session is over', () => hub.stream === undefined);
  agent = await start();
  gate.take();
}

/** As a hub that never heard how it ended. */
async function again(operation: Operation) {
  hub.results.delete(operation.id);
  hub.deliver(operation, hub.epoch, true);
  return hub.result(operation.id);
}

async function stored(
  kind: 'deployments' | 'services' | 'trafficsplits' | 'configmaps',
  name: string,
): Promise<KubeObject> {
  const base = {
    deployments: '/apis/apps/v1',
    trafficsplits: `/apis/${TRAFFIC_SPLIT}`,
    services: '/api/v1',
    configmaps: '/api/v1',
  };
  return (await plane.api.call('GET', `${base[kind]}/namespaces/shop/${kind}/${name}`)).body as KubeObject;
}

function ours(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, labels: { 'sluice.dev/role': 'split' } } };
}

const service = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80 }] },
});

const weights = (name: string, stable: number, canary: number): OperationSpec => ({
  kind: 'patch',
  object: { apiVersion: TRAFFIC_SPLIT, kind: 'TrafficSplit', name },
  type: 'merge',
  body: { spec: splitOf(name, stable, canary)['spec'] },
});

const hold = (name: string, forget = false): OperationSpec => ({
  kind: 'patch',
  object: { apiVersion: 'apps/v1', kind: 'Deployment', name },
  type: 'merge',
  body: { spec: { paused: forget ? null : true } },
  forget,
});

describe('an operation leaves its generation on the object, in the same write', () => {
  test('what is ours carries it as an annotation; what the user applied carries none', async () => {
    const first = hub.operation('shop', { kind: 'apply', objects: [ours(splitOf('marked', 1, 0)), service('plain')] });
    hub.deliver(first);
    expect(await hub.result(first.id)).toMatchObject({ state: 'succeeded' });
    expect((await stored('trafficsplits', 'marked')).metadata.annotations).toEqual({
      [GENERATION]: String(first.generation),
    });
    expect(JSON.stringify(await stored('services', 'plain'))).not.toContain(GENERATION);
    const patched = hub.operation('shop', weights('marked', 9, 1));
    hub.deliver(patched);
    await hub.result(patched.id);
    expect((await stored('trafficsplits', 'marked')).metadata.annotations).toEqual({
      [GENERATION]: String(patched.generation),
    });
    // The patch owns the mark now. An apply that does not force meets no other writer.
    expect(await hub.run('shop', { kind: 'apply', objects: [ours(splitOf('marked', 9, 1))] })).toMatchObject({
      code: 'OK',
    });
  });

  test('a Deployment carries it as a label, since its annotations are copied; letting go takes it off', async () => {
    await hub.value('shop', { kind: 'apply', objects: [deployment('held'), service('held')] });
    const before = { deployment: await stored('deployments', 'held'), service: await stored('services', 'held') };
    await hub.value('shop', hold('held'));
    const held = await stored('deployments', 'held');
    expect(held.metadata.labels).toEqual({ [GENERATION]: expect.stringMatching(/^\d+$/) as string });
    expect(held.metadata.annotations).toBeUndefined();
    await hub.value('shop', hold('held', true));
    const root = { apiVersion: 'v1', kind: 'Service', name: 'held' };
    const narrow = { kind: 'patch', object: root, type: 'merge' } as const;
    await hub.value('shop', { ...narrow, body: { spec: { selector: { hash: 'x' } } } });
    expect((await stored('services', 'held')).metadata.annotations).toHaveProperty([GENERATION]);
    await hub.value('shop', { ...narrow, body: { spec: { selector: { hash: null } } }, forget: true });
    const bare = ({ metadata, ...rest }: KubeObject): unknown => ({
      ...rest,
      labels: metadata.labels,
      annotations: metadata.annotations,
      status: null,
    });
    expect(bare(await stored('deployments', 'held'))).toMatchObject({
      spec: before.deployment['spec'],
      labels: undefined,
      annotations: undefined,
    });
    expect(bare(await stored('services', 'held'))).toEqual(bare(before.service));
  });

  test('a JSON patch puts it on too, where there was no annotation and where there is one', async () => {
    await hub.value('shop', { kind: 'apply', objects: [configMap('steps', { a: '1' })] });
    const steps = (value: string): OperationSpec => ({
      kind: 'patch',
      object: { apiVersion: 'v1', kind: 'ConfigMap', name: 'steps' },
      type: 'json',
      body: [{ op: 'replace', path: '/data/a', value }],
    });
    for (const value of ['2', '3']) {
      const operation = hub.operation('shop', steps(value));
      hub.deliver(operation);
      expect(await hub.result(operation.id)).toMatchObject({ state: 'succeeded' });
      expect(await stored('configmaps', 'steps')).toMatchObject({
        data: { a: value },
        metadata: { annotations: { [GENERATION]: String(operation.generation) } },
      });
    }
    const wrong = { ...steps('4'), body: [{ op: 'replace', path: '/no/such/place', value: 1 }] } as OperationSpec;
    const refused = await hub.run('shop', wrong);
    expect(refused).toMatchObject({ state: 'failed', code: 'INVALID' });
    expect(refused.message).toContain('A step of the patch does not apply');
  });
});

describe('a deed that was done is not done again, also by an agent that has forgotten', () => {
  test.each([
    ['apply', (name: string): OperationSpec => ({ kind: 'apply', objects: [ours(splitOf(name, 7, 3))], force: true })],
    ['patch', (name: string): OperationSpec => weights(name, 8, 2)],
    [
      'json patch',
      (name: string): OperationSpec => ({
        kind: 'patch',
        object: { apiVersion: TRAFFIC_SPLIT, kind: 'TrafficSplit', name },
        type: 'json',
        body: [{ op: 'add', path: '/spec/seen/-', value: 1 }],
      }),
    ],
    [
      'scale',
      (name: string): OperationSpec => ({
        kind: 'scale',
        object: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        replicas: 5,
      }),
    ],
  ])('%s: the repeated operation returns the object as it is and writes nothing', async (kind, specOf) => {
    const name = `again-${kind.replace(' ', '-')}`;
    const split = ours(splitOf(name, 1, 0));
    await hub.value('shop', {
      kind: 'apply',
      objects: [kind === 'scale' ? deployment(name) : { ...split, spec: { ...(split['spec'] as object), seen: [] } }],
    });
    const operation = hub.operation('shop', specOf(name));
    hub.deliver(operation);
    const first = await hub.result(operation.id);
    expect(first).toMatchObject({ state: 'succeeded' });
    const plural = kind === 'scale' ? 'deployments' : 'trafficsplits';
    const before = await stored(plural, name);
    await restart();
    const second = await again(operation);
    expect(second).toMatchObject({ state: 'succeeded', code: 'OK', value: first.value });
    expect(await stored(plural, name)).toEqual(before);
    expect(gate.take().filter((each) => !each.startsWith('GET'))).toEqual([]);
  });

  test('an older operation is SUPERSEDED and never runs: with a memory, and without', async () => {
    await hub.value('shop', { kind: 'apply', objects: [ours(splitOf('older', 1, 0))] });
    const older = hub.operation('shop', weights('older', 5, 5));
    await hub.value('shop', weights('older', 0, 10));
    hub.deliver(older);
    const refused = await hub.result(older.id);
    expect(refused).toMatchObject({ state: 'superseded', code: 'SUPERSEDED' });
    expect(refused.message).toMatch(/generation \d+, this one is \d+.*remove sluice.dev\/generation/);
    await restart();
    for (const redelivered of [false, true]) {
      const late = { ...older, id: `${older.id}-${redelivered}` };
      hub.deliver(late, hub.epoch, redelivered);
      expect(await hub.result(late.id)).toMatchObject({ state: 'superseded' });
    }
    expect((await stored('trafficsplits', 'older'))['spec']).toMatchObject({
      backends: [{ weight: 0 }, { weight: 10 }],
    });
    expect(gate.take().filter((each) => !each.startsWith('GET'))).toEqual([]);
  });

  test('a deletion that comes again spares what a later operation made anew', async () => {
    await hub.value('shop', { kind: 'apply', objects: [ours(splitOf('anew', 1, 0))] });
    const object = { apiVersion: TRAFFIC_SPLIT, kind: 'TrafficSplit', name: 'anew' };
    const deletion = hub.operation('shop', { kind: 'delete', object, propagation: 'background' });
    hub.deliver(deletion);
    expect(await hub.result(deletion.id)).toMatchObject({ value: { found: true } });
    await restart();
    expect(await again(deletion)).toMatchObject({ state: 'succeeded', value: { found: false } });
    await hub.value('shop', { kind: 'apply', objects: [ours(splitOf('anew', 1, 0))] });
    await restart();
    expect(await again(deletion)).toMatchObject({ state: 'superseded' });
  });

  test('a large result is read again, and nothing is written for it, also where no mark tells', async () => {
    const blob = 'x'.repeat(20_000);
    const operation = hub.operation('shop', { kind: 'apply', objects: [configMap('large', { blob })] });
    hub.deliver(operation);
    await hub.result(operation.id);
    const get = hub.operation('shop', { kind: 'get', object: { apiVersion: 'v1', kind: 'ConfigMap', name: 'large' } });
    hub.deliver(get);
    await hub.result(get.id);
    await plane.api.call('PUT', '/api/v1/namespaces/shop/configmaps/large', configMap('large', { blob, by: 'hand' }));
    gate.take();
    expect(await again(operation)).toMatchObject({ value: { objects: [{ data: { blob, by: 'hand' } }] } });
    expect(await again(get)).toMatchObject({ value: { object: { data: { blob, by: 'hand' } } } });
    const path = 'GET /api/v1/namespaces/shop/configmaps/large';
    expect(gate.take()).toEqual([path, path]);
  });

  test('a write whose answer is lost is looked for, and told as done', async () => {
    await hub.value('shop', { kind: 'apply', objects: [ours({ ...splitOf('lost', 1, 0), spec: { seen: [] } })] });
    const lost = gate.hold('after', ({ method, path }) => method === 'PATCH' && path.includes('/lost'));
    const append = hub.operation('shop', {
      kind: 'patch',
      object: { apiVersion: TRAFFIC_SPLIT, kind: 'TrafficSplit', name: 'lost' },
      type: 'json',
      body: [{ op: 'add', path: '/spec/seen/-', value: 1 }],
    });
    hub.deliver(append);
    await lost.arrived;
    lost.cut();
    expect(await hub.result(append.id)).toMatchObject({
      state: 'succeeded',
      value: { object: { spec: { seen: [1] } } },
    });
  });
});

describe('requests to the API server', () => {
  test('the check costs none where the object passed by before, and one of metadata where it did not', async () => {
    await hub.value('shop', { kind: 'apply', objects: [deployment('cheap'), ours(splitOf('cheap', 1, 0))] });
    await hub.value('shop', { kind: 'get', object: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cheap' } });
    gate.take();
    await hub.value('shop', hold('cheap'));
    for (let canary = 1; canary <= 5; canary++) await hub.value('shop', weights('cheap', 10 - canary, canary));
    expect(gate.take()).toEqual([
      'PATCH /apis/apps/v1/namespaces/shop/deployments/cheap',
      ...Array.from({ length: 5 }, () => `PATCH /apis/${TRAFFIC_SPLIT}/namespaces/shop/trafficsplits/cheap`),
    ]);
    await restart();
    await hub.value('shop', weights('cheap', 1, 9));
    await hub.value('shop', weights('cheap', 0, 10));
    const path = `/apis/${TRAFFIC_SPLIT}/namespaces/shop/trafficsplits/cheap`;
    expect(gate.take().filter((each) => each.includes('/trafficsplits/'))).toEqual([
      `GET ${path}`,
      `PATCH ${path}`,
      `PATCH ${path}`,
    ]);
  });
});
