import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/mesh/install-crds.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { guardedShop } from '../support/guarded-shop.ts';
import type { GuardedShop } from '../support/guarded-shop.ts';
import { splitOf } from '../support/objects.ts';
import { SmallHub } from '../support/small-hub.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Watch } from '../../src/protocol/snapshot.ts';

const MERGE = 'application/merge-patch+json';

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
  await installCrds(plane.api);
});

afterAll(async () => plane?.stop());

const agentFor = (port: number, namespace: string): Promise<TestAgent> =>
  startAgent({ server: `127.0.0.1:${port}`, kubeconfig: plane.kubeconfig, namespaces: [namespace] });

/** A hub and its agent, for a shop of its own. */
async function world(namespace: string): Promise<{ hub: SmallHub; agent: TestAgent; shop: GuardedShop }> {
  const shop = await guardedShop(plane, namespace);
  const hub = await new SmallHub().listen();
  const agent = await agentFor(hub.port, namespace);
  await hub.connected();
  return { hub, agent, shop };
}

const arm = async (hub: SmallHub, shop: GuardedShop, more: Parameters<GuardedShop['guard']>[0] = {}): Promise<void> => {
  expect(await hub.value(shop.namespace, shop.guard(more))).toEqual({ armed: true });
};

/** The API server makes Events of its own on Services. */
async function firedEvents({ kube, namespace }: GuardedShop): Promise<KubeObject[]> {
  const events = await kube.list(`/api/v1/namespaces/${namespace}/events`);
  return events.filter((event) => event['reason'] === 'GuardFired');
}

const watchOf = (namespace: string): Watch => ({
  id: 'run',
  namespace,
  deployment: 'web',
  services: ['web-stable', 'web-canary'],
  split: 'web',
  routes: ['web'],
  profiles: [],
  jobs: [],
});

test('a canary that crashes loses all traffic with no orchestrator there, in one write for each object', async () => {
  const { hub, agent, shop } = await world('alone');
  await using _agent = agent;
  using _shop = shop;
  await arm(hub, shop);
  expect(await shop.look()).toMatchObject({ split: 25, route: 25, label: 'armed', state: 'armed' });
  const status = (await (await fetch(`http://127.0.0.1:${agent.healthPort}/status`)).json()) as object;
  expect(status).toMatchObject({ guards: [{ holder: 'alone/splits/web', state: 'armed', rollout: 'rollout-1' }] });
  await hub[Symbol.asyncDispose]();
  await shop.crash();
  const view = await shop.until(
    'the canary has no traffic',
    ({ split, route, finished }) => split + route === 0 && finished,
  );
  expect(view).toMatchObject({
    label: 'fired',
    state: 'fired',
    reason: 'canary pod canary-1 is Error: container app exited with code 1',
  });
  const metrics = await (await fetch(`http://127.0.0.1:${agent.healthPort}/metrics`)).text();
  expect(metrics).toContain('\nsluice_agent_guards_fired_total 1\n');
  expect(metrics).toContain('\nsluice_agent_guards{state="fired"} 1\n');
  expect(await firedEvents(shop)).toMatchObject([
    {
      type: 'Warning',
      involvedObject: { kind: 'Service', name: 'web' },
      message: expect.stringContaining('canary pod canary-1 is Error'),
    },
  ]);
});

test('from the crash to the weights: milliseconds', async () => {
  const { hub, agent, shop } = await world('fast');
  await using _hub = hub;
  await using _agent = agent;
  using _shop = shop;
  const took: number[] = [];
  const bare: number[] = [];
  let onZero: ((atMs: number) => void) | undefined;
  const stop = await shop.kube.watch('/apis/split.smi-spec.io/v1alpha2/namespaces/fast/trafficsplits', ({ object }) => {
    const { backends } = object['spec'] as { backends: { weight: number }[] };
    if (Number(backends[1]?.weight) === 0) onZero?.(performance.now());
  });
  for (let round = 0; round < 40; round++) {
    await shop.well();
    await hub.run('fast', { ...shop.guard(), disarm: true }, { afterGuard: true });
    await shop.shift(25);
    await arm(hub, shop);
    const zero = new Promise<number>((resolve) => (onZero = resolve));
    const sentMs = performance.now();
    await shop.crash();
    took.push((await zero) - sentMs);
    onZero = undefined;
    await shop.until('the guard has done all', ({ finished }) => finished);
    const patchedMs = performance.now();
    await shop.kube.call('PATCH', shop.splitPath, { metadata: { annotations: { round: `${round}` } } }, MERGE);
    bare.push(performance.now() - patchedMs);
  }
  stop();
  const [crash, patch] = [took, bare].map((times) => {
    const sorted = times.toSorted((one, other) => one - other);
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
    return { p50: at(0.5), p99: at(0.99), max: at(1) };
  });
  const show = (times = { p50: NaN, p99: NaN, max: NaN }): string =>
    `p50 ${times.p50.toFixed(1)} ms, p99 ${times.p99.toFixed(1)} ms, max ${times.max.toFixed(1)} ms`;
  console.log(
    `crash written -> weight 0 seen: ${show(crash)} of ${took.length} (target p99 50 ms); one bare PATCH: ${show(patch)}`,
  );
  // Each of them fired; how fast is for a quiet machine: npm run bench -- crash-to-zero.
  expect(took).toHaveLength(40);
});

test('an agent that has just started finds the guard and does it, and the refusal outlives it', async () => {
  const { hub, agent, shop } = await world('heir');
  using _shop = shop;
  await arm(hub, shop);
  await hub[Symbol.asyncDispose]();
  await agent.stop();
  await shop.crash();
  expect(await shop.look()).toMatchObject({ split: 25, state: 'armed' });
  {
    await using _heir = await agentFor(hub.port, 'heir');
    await shop.until('the heir fires', ({ split, route, finished }) => split + route === 0 && finished);
  }
  // One more heir, and an orchestrator that has slept through all of it and repeats its last weight.
  await using again = await new SmallHub().listen();
  await using _third = await agentFor(again.port, 'heir');
  await again.connected();
  const old = await again.run('heir', { kind: 'apply', objects: [splitOf('web', 75, 25)], force: true });
  expect(old).toMatchObject({ state: 'superseded', code: 'SUPERSEDED' });
  expect(old.message).toMatch(
    /The guard on TrafficSplit web fired at 20.*Z and sent all traffic to web-stable: canary pod canary-1/,
  );
  for (const spec of [shop.guard(), { ...shop.guard(), disarm: true }]) {
    expect(await again.run('heir', spec)).toMatchObject({ state: 'superseded' });
  }
  expect(await shop.look()).toMatchObject({ split: 0, route: 0, label: 'fired' });
  // What it does not hold is none of its business; what says that it comes afterwards may.
  const other = { kind: 'apply' as const, objects: [splitOf('other', 75, 25)] };
  expect(await again.run('heir', other)).toMatchObject({ message: '', state: 'succeeded' });
  const after = await again.run('heir', { ...shop.guard(), disarm: true }, { afterGuard: true });
  expect(after).toMatchObject({ state: 'succeeded', value: { armed: true } });
  expect(await shop.look()).toMatchObject({ label: undefined, state: undefined });
  const next = await again.run('heir', { kind: 'apply', objects: [splitOf('web', 75, 25)], force: true });
  expect(next).toMatchObject({ state: 'succeeded' });
});

test('restarts from before it was armed do not count; one while no agent was there does, however well the pod is again', async () => {
  const { hub, agent, shop } = await world('restarts');
  using _shop = shop;
  await shop.well(2);
  await arm(hub, shop);
  await hub[Symbol.asyncDispose]();
  await agent.stop();
  {
    await using _second = await agentFor(hub.port, 'restarts');
    await shop.ready('web-canary', ['canary-2', 'canary-1']);
    expect(await shop.look()).toMatchObject({ split: 25, state: 'armed', reason: '' });
  }
  await shop.well(3);
  await using _third = await agentFor(hub.port, 'restarts');
  const view = await shop.until('it fires', ({ finished }) => finished);
  expect(view).toMatchObject({ split: 0, route: 0, reason: 'canary pod canary-1 was restarted' });
});

test('what the agent did half before it was killed, its successor does whole', async () => {
  const { hub, agent, shop } = await world('half');
  using _shop = shop;
  await arm(hub, shop);
  await hub[Symbol.asyncDispose]();
  await agent.stop();
  // The split was written, and the route was not.
  const split = await shop.kube.get(shop.splitPath);
  const record = JSON.parse(split?.metadata.annotations?.['sluice.dev/guard'] ?? '') as object;
  const fired = JSON.stringify({ ...record, state: 'fired', reason: 'because', at: '2026-01-01T00:00:00.000Z' });
  const metadata = { annotations: { 'sluice.dev/guard': fired }, labels: { 'sluice.dev/guard': 'fired' } };
  const { backends } = splitOf('web', 100, 0)['spec'] as { backends: unknown };
  await shop.kube.call('PATCH', shop.splitPath, { metadata, spec: { backends } }, MERGE);
  expect(await shop.look()).toMatchObject({ split: 0, route: 25 });
  await using _heir = await agentFor(hub.port, 'half');
  expect(await shop.until('the route follows', ({ finished }) => finished)).toMatchObject({
    route: 0,
    reason: 'because',
  });
});

test('it does not send traffic to a stable that has no ready endpoint: it says so, and does it as soon as one is there', async () => {
  const { hub, agent, shop } = await world('nowhere');
  await using _hub = hub;
  await using _agent = agent;
  using _shop = shop;
  hub.watch(watchOf('nowhere'));
  await arm(hub, shop);
  await shop.ready('web-stable', []);
  await shop.crash();
  const waits = await hub.snapshot('it waits', ({ split }) => (split?.guard?.reason ?? '') !== '');
  expect(waits.snapshot.split?.guard).toEqual({
    state: 'armed',
    reason: expect.stringContaining('waits for a ready endpoint of the stable (web-stable has none)'),
  });
  expect(await shop.look()).toMatchObject({ split: 25, route: 25, state: 'armed' });
  await shop.ready('web-stable', ['stable-2']);
  await shop.until('it fires', ({ split, route }) => split + route === 0);
  const fired = await hub.snapshot('it fired', ({ split }) => split?.guard?.state === 'fired');
  expect(fired.snapshot.split?.guard?.reason).toContain('canary pod canary-1');
  expect(fired.snapshot.split?.weights[1]).toMatchObject({ weight: 0 });
});

test('ready canary endpoints below the floor are a reason; while the canary has no traffic nothing is', async () => {
  const { hub, agent, shop } = await world('floor');
  await using _hub = hub;
  await using _agent = agent;
  using _shop = shop;
  await shop.shift(0);
  await arm(hub, shop, { minReady: 2 });
  await shop.ready('web-canary', ['canary-1']);
  // An operation of the same lane, and a picture that is newer than the slice, show that it has been judged.
  hub.watch(watchOf('floor'));
  await hub.snapshot('one is ready', ({ endpoints }) => endpoints[1]?.ready.length === 1);
  expect(await shop.look()).toMatchObject({ state: 'armed', reason: '' });
  await shop.shift(25);
  expect(await shop.until('it fires', ({ finished }) => finished)).toMatchObject({
    split: 0,
    route: 0,
    reason: 'ready canary endpoints: 1, fewer than 2',
  });
});

test('a write that does not go through holds the others up for nothing, and is made as soon as it can be', async () => {
  using shop = await guardedShop(plane, 'stuck');
  const kubeconfig = await plane.kubeconfigFor('stuck', 'agent');
  const rights = (routeVerbs: string[]): object[] => [
    { apiGroups: [''], resources: ['pods', 'services'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['list', 'watch'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    { apiGroups: ['split.smi-spec.io'], resources: ['trafficsplits'], verbs: ['get', 'list', 'watch', 'patch'] },
    { apiGroups: ['gateway.networking.k8s.io'], resources: ['httproutes'], verbs: routeVerbs },
  ];
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/stuck';
  await shop.kube.call('POST', `${rbac}/roles`, { metadata: { name: 'agent' }, rules: rights(['list', 'watch']) });
  await shop.kube.call('POST', `${rbac}/rolebindings`, {
    metadata: { name: 'agent' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'agent' },
    subjects: [{ kind: 'ServiceAccount', name: 'agent', namespace: 'stuck' }],
  });
  await using hub = await new SmallHub().listen();
  await using _agent = await startAgent({ server: `127.0.0.1:${hub.port}`, kubeconfig, namespaces: ['stuck'] });
  await hub.connected();
  await arm(hub, shop);
  await shop.crash();
  expect(await shop.until('the split is written', ({ split }) => split === 0)).toMatchObject({
    route: 25,
    state: 'fired',
    finished: false,
  });
  const rules = rights(['list', 'watch', 'patch']);
  await shop.kube.call('PATCH', `${rbac}/roles/agent`, { rules }, MERGE);
  await shop.until('the route follows', ({ route, finished }) => route === 0 && finished);
  // Without the right to make Events it has done what matters all the same.
  expect(await firedEvents(shop)).toEqual([]);
});

test('taken off, it does nothing any more; a guard that may not be is refused', async () => {
  const { hub, agent, shop } = await world('off');
  await using _hub = hub;
  await using _agent = agent;
  using _shop = shop;
  await arm(hub, shop);
  expect(await hub.value('off', { ...shop.guard(), disarm: true })).toEqual({ armed: true });
  expect(await hub.value('off', { ...shop.guard(), disarm: true })).toEqual({ armed: false });
  await shop.crash();
  hub.watch(watchOf('off'));
  await hub.snapshot('a whole picture', ({ complete }) => complete);
  expect(await shop.look()).toMatchObject({ split: 25, label: undefined });
  const service = { apiVersion: 'v1', kind: 'Service', namespace: 'off', name: 'web' };
  const wider = await hub.run('off', shop.guard({ writes: [{ object: service, body: { spec: { selector: {} } } }] }));
  expect(wider).toMatchObject({ code: 'POLICY', message: expect.stringContaining('a guard writes only') });
  const elsewhere = { ...shop.guard().holder, namespace: 'alone' };
  expect(await hub.run('off', shop.guard({ holder: elsewhere }))).toMatchObject({ state: 'rejected', code: 'POLICY' });
});

test('a mark that somebody has spoiled guards nothing, is said, and can be taken off', async () => {
  const { hub, agent, shop } = await world('spoiled');
  await using _hub = hub;
  await using _agent = agent;
  using _shop = shop;
  hub.watch(watchOf('spoiled'));
  await arm(hub, shop);
  const metadata = { annotations: { 'sluice.dev/guard': '{"state": 7' } };
  await shop.kube.call('PATCH', shop.splitPath, { metadata }, MERGE);
  const said = await hub.snapshot('it is said', ({ split }) => split?.guard?.state === 'unreadable');
  expect(said.snapshot.split?.guard?.reason).toContain('cannot be read');
  await hub.value('spoiled', { ...shop.guard(), disarm: true });
  await hub.snapshot('it is off', ({ split }) => split !== undefined && split.guard === undefined);
});
