import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../cluster/api.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgent, TestAgentOptions } from '../support/agent.ts';
import { KubeGate } from '../support/kube-gate.ts';
import { SmallHub } from '../support/small-hub.ts';
import type { SmallHubOptions } from '../support/small-hub.ts';
import { TRAFFIC_SPLIT, configMap, installTrafficSplit, splitOf } from '../support/objects.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Operation, PatchSpec } from '../../src/protocol/operation.ts';
import { PROTOCOL_MAX } from '../../src/protocol/service.ts';

let plane: ControlPlane;
const open: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
  await installTrafficSplit(plane.api);
});

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop();
});

afterAll(async () => plane?.stop());

async function startHub(options: SmallHubOptions = {}): Promise<SmallHub> {
  const hub = await new SmallHub(options).listen();
  open.push({ stop: () => hub[Symbol.asyncDispose]() });
  return hub;
}

async function startFor(hub: SmallHub, options: Partial<TestAgentOptions> = {}): Promise<TestAgent> {
  const agent = await startAgent({
    server: `127.0.0.1:${hub.port}`,
    kubeconfig: plane.kubeconfig,
    namespaces: ['shop'],
    ...options,
  });
  open.push(agent);
  return agent;
}

async function connect(options: SmallHubOptions = {}): Promise<{ hub: SmallHub; agent: TestAgent }> {
  const hub = await startHub(options);
  const agent = await startFor(hub);
  await hub.connected();
  return { hub, agent };
}

const object = (name: string) => ({ apiVersion: TRAFFIC_SPLIT, kind: 'TrafficSplit', name });

/** Adds a number to a list on the split: whoever runs twice, or out of turn, shows. */
function append(name: string, value: number): PatchSpec {
  return { kind: 'patch', object: object(name), type: 'json', body: [{ op: 'add', path: '/spec/seen/-', value }] };
}

async function makeList(hub: SmallHub, name: string): Promise<void> {
  const split = splitOf(name, 1, 0);
  await hub.value('shop', { kind: 'apply', objects: [{ ...split, spec: { ...(split['spec'] as object), seen: [] } }] });
}

async function seenBy(name: string): Promise<number[]> {
  const path = `/apis/${TRAFFIC_SPLIT}/namespaces/shop/trafficsplits/${name}`;
  return ((await plane.api.call('GET', path)).body as { spec: { seen: number[] } }).spec.seen;
}

/** A ConfigMap whose deletion hangs until `release`. */
async function makeStuck(hub: SmallHub, name: string): Promise<{ release: () => Promise<void> }> {
  const held = configMap(name, {});
  held.metadata['finalizers'] = ['example.com/hold'];
  await hub.value('shop', { kind: 'apply', objects: [held] });
  const path = `/api/v1/namespaces/shop/configmaps/${name}`;
  return {
    release: async () => {
      const read = async (): Promise<KubeObject> => (await plane.api.call('GET', path)).body as KubeObject;
      await until('it is being deleted', async () => (await read()).metadata.deletionTimestamp !== undefined);
      const now = await read();
      const { finalizers: _held, ...metadata } = now.metadata;
      await plane.api.call('PUT', path, { ...now, metadata });
    },
  };
}

/** An agent whose apply of a ConfigMap the API server does not get before `release`: it holds the lane of that object. */
async function holdLane(name: string): Promise<{ hub: SmallHub; stuck: Operation; release: () => void }> {
  const gate = await KubeGate.open(plane.kubeconfig);
  open.push({ stop: () => gate[Symbol.asyncDispose]() });
  const hub = await startHub();
  await startFor(hub, { kubeconfig: gate.kubeconfig });
  await hub.connected();
  const { arrived, release } = gate.hold('before', ({ path }) => path.includes(`/configmaps/${name}`));
  const stuck = hub.operation('shop', { kind: 'apply', objects: [configMap(name, {})] });
  hub.deliver(stuck);
  await arrived;
  return { hub, stuck, release };
}

const deletion = (name: string) => ({
  kind: 'delete' as const,
  object: { apiVersion: 'v1', kind: 'ConfigMap', name },
  propagation: 'background' as const,
  waitGone: true,
});

describe('an operation runs once', () => {
  test('the same id twice, at once and later: one deed, and the result each time', async () => {
    const { hub } = await connect();
    await makeList(hub, 'once');
    const operation = hub.operation('shop', append('once', 1));
    hub.deliver(operation);
    hub.deliver(operation);
    await hub.result(operation.id);
    hub.deliver(operation);
    await hub.until('the result again', () => (hub.results.get(operation.id)?.length ?? 0) >= 2);
    expect(await seenBy('once')).toEqual([1]);
    for (const result of hub.results.get(operation.id)!)
      expect(result).toMatchObject({ state: 'succeeded', code: 'OK' });
  });

  test('operations on one object run in the order sent; it is told that they arrived', async () => {
    const { hub } = await connect();
    await makeList(hub, 'order');
    const operations = Array.from({ length: 30 }, (_, at) => hub.operation('shop', append('order', at)));
    for (const operation of operations) hub.deliver(operation);
    await Promise.all(operations.map((each) => hub.result(each.id)));
    expect(await seenBy('order')).toEqual(operations.map((_, at) => at));
    expect(hub.received).toEqual(expect.arrayContaining(operations.map((each) => each.id)));
  });

  test('an apply of several objects takes the lanes of all of them', async () => {
    const { hub, stuck, release } = await holdLane('several');
    await makeList(hub, 'several');
    const both = hub.operation('shop', {
      kind: 'apply',
      objects: [configMap('several', { b: '1' }), splitOf('several', 1, 0)],
    });
    const merge = {
      kind: 'patch' as const,
      object: object('several'),
      type: 'merge' as const,
      body: { spec: { after: true } },
    };
    const after = hub.operation('shop', merge);
    for (const operation of [both, after]) hub.deliver(operation);
    await hub.until('both wait', () => hub.states.filter((each) => each.state === 'accepted').length >= 2);
    release();
    await hub.result(after.id);
    const order = hub.states.filter((each) => each.state === 'succeeded').map((each) => each.id);
    expect(order.slice(-3)).toEqual([stuck.id, both.id, after.id]);
  });

  test('a stuck object stops only itself; what waits behind it can be cancelled', async () => {
    const { hub, stuck, release } = await holdLane('stuck');
    const waiting = hub.operation('shop', { kind: 'apply', objects: [configMap('stuck', { late: 'yes' })] });
    hub.deliver(waiting);
    await hub.value('shop', { kind: 'apply', objects: [configMap('free', {})] });
    hub.send({ body: 'cancel', cancel: { id: waiting.id } });
    expect(await hub.result(waiting.id)).toMatchObject({ state: 'cancelled', code: 'CANCELLED' });
    expect(hub.results.has(stuck.id)).toBe(false);
    release();
    await hub.result(stuck.id);
  });

  test('a deletion that waits for the end keeps nobody from the object, and can be cancelled', async () => {
    const { hub } = await connect();
    const { release } = await makeStuck(hub, 'ending');
    const running = hub.operation('shop', deletion('ending'));
    hub.deliver(running);
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', name: 'ending' };
    const patch = { kind: 'patch', object: ref, type: 'merge', body: { data: { late: 'yes' } } } as const;
    const { object: patched } = await hub.value<{ object: KubeObject }>('shop', patch);
    expect(patched.metadata.deletionTimestamp).toBeDefined();
    expect(hub.results.has(running.id)).toBe(false);
    hub.send({ body: 'cancel', cancel: { id: running.id } });
    const cancelled = await hub.result(running.id);
    expect(cancelled).toMatchObject({ state: 'cancelled', code: 'CANCELLED' });
    expect(cancelled.message).toMatch(/being deleted.*example.com\/hold/);
    await release();
  });

  test('a wait ends at the deadline, and says what was not finished', async () => {
    const { hub } = await connect();
    const { release } = await makeStuck(hub, 'slow');
    const result = await hub.run('shop', deletion('slow'), { notAfterMs: Date.now() + 700 });
    expect(result).toMatchObject({ state: 'failed', code: 'TIMEOUT' });
    expect(result.message).toMatch(/ConfigMap shop\/slow is being deleted.*finalizers keep it \(example.com\/hold\)/);
    await release();
  });

  test("deadlines are judged by the hub's clock", async () => {
    const { hub } = await connect({ clockSkewMs: 600_000 });
    const spec = { kind: 'apply' as const, objects: [configMap('skewed', {})] };
    expect(await hub.run('shop', spec)).toMatchObject({ state: 'expired' });
    expect(await hub.run('shop', spec, { notAfterMs: Date.now() + 630_000 })).toMatchObject({ state: 'succeeded' });
  });
});

describe('a cut loses nothing', () => {
  test('a result is sent again in every session until the hub has stored it, and then no more', async () => {
    const { hub } = await connect({ acknowledges: false });
    const operation = hub.operation('shop', { kind: 'apply', objects: [configMap('again', {})] });
    hub.deliver(operation);
    await hub.result(operation.id);
    hub.cut();
    await hub.until('the second session', () => hub.hellos.length === 2);
    expect(hub.hellos[1]!.openOperations).toEqual([{ id: operation.id, state: 'SUCCEEDED' }]);
    await hub.until('the result again', () => hub.results.get(operation.id)?.length === 2);
    hub.acknowledges = true;
    hub.cut();
    await hub.until('the result a third time', () => hub.results.get(operation.id)?.length === 3);
    // The acknowledgement of that session went out before this operation's result came back.
    await hub.value('shop', { kind: 'apply', objects: [configMap('later', {})] });
    hub.cut();
    await hub.until('the fourth session', () => hub.hellos.length === 4);
    expect(hub.hellos[3]!.openOperations.map((each) => each.id)).not.toContain(operation.id);
  });

  test('what runs goes on over the cut; delivered again it is the same deed; its result comes in the new session', async () => {
    const { hub } = await connect();
    const { release } = await makeStuck(hub, 'over');
    const operation = hub.operation('shop', deletion('over'));
    hub.deliver(operation);
    await hub.until('it runs', () => hub.states.find((each) => each.id === operation.id && each.state === 'running'));
    hub.cut();
    await hub.until('the second session', () => hub.hellos.length === 2);
    expect(hub.hellos[1]!.openOperations).toEqual([{ id: operation.id, state: 'RUNNING' }]);
    hub.epoch += 1;
    hub.deliver(operation);
    await release();
    expect(await hub.result(operation.id)).toMatchObject({ state: 'succeeded', value: { found: true } });
  });

  test('a hub that falls silent is left after three heartbeats', async () => {
    const { hub } = await connect({ heartbeatMs: 100 });
    await hub.until('a second session', () => hub.hellos.length >= 2, 5000);
    expect(hub.heartbeats).toBeGreaterThanOrEqual(3);
  });

  test('a hub with a lower epoch than one seen is not served', async () => {
    const { hub } = await connect({ epoch: 7 });
    hub.epoch = 3;
    hub.cut();
    await hub.until('it comes back', () => hub.hellos.length >= 2);
    expect(hub.hellos[1]!.lastEpoch).toBe(7);
    hub.deliver(hub.operation('shop', { kind: 'apply', objects: [configMap('stale', {})] }));
    await hub.until('it leaves, and comes again', () => hub.hellos.length >= 3);
    expect(hub.states).toEqual([]);
  });

  test('GoAway: the agent comes back after the time it was told, with the same agent in Hello', async () => {
    const { hub } = await connect();
    const toldMs = performance.now();
    hub.send({ body: 'goAway', goAway: { reason: 'restart', reconnectAfterMs: 300, spreadMs: 100 } });
    await hub.until('it comes back', () => hub.hellos.length === 2);
    expect(performance.now() - toldMs).toBeGreaterThanOrEqual(295);
    expect(hub.hellos[1]!.instanceId).toBe(hub.hellos[0]!.instanceId);
  });

  test('Refused: it is told to people, and the hub is left alone as long as it asked', async () => {
    const hub = await startHub({ refuses: { code: 'RETRY', message: 'too many agents at once', retryAfterMs: 700 } });
    const agent = await startFor(hub);
    const firstMs = await hub.until('the first try', () => hub.hellos.length === 1 && performance.now());
    await until('it says so', async () => (await statusOf(agent)).lastError.includes('too many agents at once'));
    expect((await fetch(`http://127.0.0.1:${agent.healthPort}/readyz`)).status).toBe(503);
    await hub.until('the second try', () => hub.hellos.length === 2);
    expect(performance.now() - firstMs).toBeGreaterThanOrEqual(690);
  });
});

test('after many sessions no connection is left open', async () => {
  const hub = await startHub();
  await startFor(hub, { config: { reconnectMaxMs: 50 } });
  await hub.connected();
  const sockets = () => process.getActiveResourcesInfo().filter((each) => each === 'TCPSocketWrap').length;
  const away = { body: 'goAway', goAway: { reason: 'again', reconnectAfterMs: 0, spreadMs: 0 } } as const;
  let before = 0;
  for (let session = 2; session <= 41; session++) {
    hub.send(away);
    await hub.until(`session ${session}`, () => hub.hellos.length === session);
    await hub.connected();
    if (session === 2) before = sockets();
  }
  await until('the old ones are closed', async () => sockets() <= before);
  expect(sockets()).toBeLessThanOrEqual(before);
});

describe('who it is and how it ends', () => {
  test('the token goes with the call, and never into a log', async () => {
    const lines: string[] = [];
    const { createLog } = await import('../../src/shared/log.ts');
    const destination = { write: (line: string) => void lines.push(line) };
    const hub = await startHub();
    await startFor(hub, {
      credential: { account: 'north', token: 'a-very-secret-token' },
      log: createLog({ name: 'agent', format: 'json', level: 'debug', destination }),
    });
    const hello = await hub.connected();
    expect(hub.metadata[0]!.get('authorization')).toEqual(['Bearer a-very-secret-token']);
    expect(hello).toMatchObject({ protocolMin: 1, protocolMax: PROTOCOL_MAX, allowedNamespaces: ['shop'] });
    expect(hello.capabilities).toContain('apply');
    expect(hello.kubernetesVersion).toMatch(/^v/);
    hub.cut();
    await hub.until('it comes back', () => hub.hellos.length === 2);
    expect(lines.join('')).toContain('session started');
    expect(lines.join('')).not.toContain('a-very-secret-token');
  });

  test('/livez is alive, /readyz and /status know the session', async () => {
    const { agent } = await connect();
    await until('it is ready', async () => (await fetch(`http://127.0.0.1:${agent.healthPort}/readyz`)).status === 200);
    expect((await fetch(`http://127.0.0.1:${agent.healthPort}/livez`)).status).toBe(200);
    expect(await statusOf(agent)).toMatchObject({
      connected: true,
      account: 'test',
      epoch: 1,
      inFlight: 0,
      lastError: '',
    });
  });

  test('told to stop it says so, takes nothing new, finishes what runs and tells how it ended', async () => {
    const { hub, agent } = await connect();
    const { release } = await makeStuck(hub, 'draining');
    const running = hub.operation('shop', deletion('draining'));
    hub.deliver(running);
    await hub.until('it runs', () => hub.states.find((each) => each.id === running.id && each.state === 'running'));
    const stopped = agent.stop();
    await hub.until('it drains', () => hub.drained);
    const late = hub.operation('shop', { kind: 'apply', objects: [configMap('too-late', {})] });
    hub.deliver(late);
    await release();
    expect(await hub.result(running.id)).toMatchObject({ state: 'succeeded' });
    await stopped;
    expect(hub.received).not.toContain(late.id);
    expect((await plane.api.call('GET', '/api/v1/namespaces/shop/configmaps/too-late')).status).toBe(404);
  });
});

test('what cannot be finished in time is left to the next agent, without a word that would end it', async () => {
  const hub = await startHub();
  const first = await startFor(hub, { drainMs: 300 });
  await hub.connected();
  const { release } = await makeStuck(hub, 'handed-on');
  const operation = hub.operation('shop', deletion('handed-on'));
  hub.deliver(operation);
  await hub.until('it runs', () => hub.states.find((each) => each.id === operation.id && each.state === 'running'));
  const startedMs = performance.now();
  await first.stop();
  expect(performance.now() - startedMs).toBeLessThan(2500);
  expect(hub.results.has(operation.id)).toBe(false);
  await startFor(hub);
  await hub.until('the next agent', () => hub.hellos.length === 2);
  await hub.connected();
  expect(hub.hellos[1]!.openOperations).toEqual([]);
  hub.deliver(operation);
  await release();
  // Found or not: it may be gone by the time the second agent asks.
  expect(await hub.result(operation.id)).toMatchObject({ state: 'succeeded', code: 'OK' });
});

interface Status {
  connected: boolean;
  lastError: string;
}

async function statusOf(agent: TestAgent): Promise<Status> {
  return (await (await fetch(`http://127.0.0.1:${agent.healthPort}/status`)).json()) as Status;
}
