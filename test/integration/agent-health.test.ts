import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { SmallHub } from '../support/small-hub.ts';
import { deployment, installTrafficSplit, splitOf } from '../support/objects.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Watch } from '../../src/protocol/snapshot.ts';

let plane: ControlPlane;
let hub: SmallHub;
let agent: TestAgent;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
});

beforeEach(async () => {
  hub = await new SmallHub().listen();
  agent = await startAgent({ server: `127.0.0.1:${hub.port}`, kubeconfig: plane.kubeconfig, namespaces: ['shop'] });
  await hub.connected();
});

afterEach(async () => {
  await agent?.stop();
  await hub?.[Symbol.asyncDispose]();
});

afterAll(async () => plane?.stop());

const watch = (deployment: string, more: Partial<Watch> = {}): Watch => ({
  id: `watch-${deployment}`,
  namespace: 'shop',
  deployment,
  services: [deployment, `${deployment}-canary`],
  routes: [],
  profiles: [],
  jobs: [],
  ...more,
});

async function create(path: string, object: object): Promise<KubeObject> {
  const { status, body } = await plane.api.call('POST', path, object);
  if (status !== 201) throw new Error(`POST ${path}: ${JSON.stringify(body)}`);
  return body as KubeObject;
}

async function put(path: string, object: object): Promise<KubeObject> {
  const { status, body } = await plane.api.call('PUT', path, object);
  if (status !== 200) throw new Error(`PUT ${path}: ${JSON.stringify(body)}`);
  return body as KubeObject;
}

const core = '/api/v1/namespaces/shop';
const apps = '/apis/apps/v1/namespaces/shop';

/** What the controllers would make of a Deployment: a ReplicaSet and a pod. */
async function createWorkload(
  name: string,
): Promise<{ deployment: KubeObject; replicaSet: KubeObject; pod: KubeObject }> {
  const made = await create(`${apps}/deployments`, deployment(name));
  const labels = { app: name, 'pod-template-hash': 'abc' };
  const owner = (of: KubeObject) => [
    { apiVersion: 'apps/v1', kind: of.kind, name: of.metadata.name, uid: of.metadata.uid, controller: true },
  ];
  const podSpec = { containers: [{ name: 'app', image: 'app:1' }] };
  const replicaSet = await create(`${apps}/replicasets`, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: `${name}-abc`, labels, ownerReferences: owner({ ...made, kind: 'Deployment' }) },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
  });
  const pod = await create(`${core}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${name}-abc-1`, labels, ownerReferences: owner({ ...replicaSet, kind: 'ReplicaSet' }) },
    spec: podSpec,
  });
  return { deployment: made, replicaSet, pod };
}

const podStatus = (ready: boolean, container: object) => ({
  phase: 'Running',
  conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
  containerStatuses: [{ name: 'app', image: 'app:1', imageID: '', ready, restartCount: 0, ...container }],
});

test('a workload is seen whole: Deployment, ReplicaSet, pods, endpoints; and each change as it comes', async () => {
  const { deployment, replicaSet, pod } = await createWorkload('web');
  hub.watch(watch('web'));
  const first = await hub.snapshot('the first whole picture', (each) => each.complete);
  expect(first.snapshot).toMatchObject({
    stale: false,
    deployment: { uid: deployment.metadata.uid, desired: 2, paused: false },
    replicaSets: [{ name: 'web-abc', hash: 'abc', ownerUid: deployment.metadata.uid, desired: 2 }],
    pods: [{ name: 'web-abc-1', hash: 'abc', ready: false, failing: false, reason: '' }],
    endpoints: [
      { service: 'web', exists: false, ready: [] },
      { service: 'web-canary', exists: false },
    ],
  });
  expect(first.snapshot.split).toBeUndefined();

  const path = `${core}/pods/web-abc-1/status`;
  const running = { ...pod, status: podStatus(true, { state: { running: { startedAt: new Date().toISOString() } } }) };
  let sentMs = performance.now();
  const stored = await put(path, running);
  const ready = await hub.snapshot('the ready pod', (each) => each.pods[0]?.ready === true);
  console.log(`pod ready, PUT sent -> snapshot at the hub: ${(ready.arrivedMs - sentMs).toFixed(1)} ms`);

  const terminated = { exitCode: 137, reason: 'OOMKilled', startedAt: null, finishedAt: null };
  sentMs = performance.now();
  await put(path, { ...stored, status: podStatus(false, { state: { terminated } }) });
  const crashed = await hub.snapshot('the crash', (each) => each.pods[0]?.failing === true);
  console.log(`pod crashed, PUT sent -> snapshot at the hub: ${(crashed.arrivedMs - sentMs).toFixed(1)} ms`);
  expect(crashed.snapshot.pods[0]).toMatchObject({ reason: 'OOMKilled', ready: false });
  expect(crashed.snapshot.pods[0]!.message).toContain('exited with code 137');
  expect(crashed.snapshot.version).toBeGreaterThan(ready.snapshot.version);

  await create(`${core}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { ports: [{ port: 80 }] },
  });
  await create('/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: ['10.0.0.1'],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid },
      },
      { addresses: ['10.0.0.2'], conditions: { ready: false } },
    ],
    ports: [],
  });
  const served = await hub.snapshot('the endpoints', (each) => each.endpoints[0]?.ready.length === 1);
  expect(served.snapshot.endpoints[0]).toEqual({
    service: 'web',
    exists: true,
    ready: [pod.metadata.uid],
    notReady: ['10.0.0.2'],
  });

  // The ReplicaSet goes before its pod, as in a rollback: what still runs is still told.
  await plane.api.call('DELETE', `${apps}/replicasets/${replicaSet.metadata.name}?propagationPolicy=Orphan`);
  await plane.api.call(
    'PUT',
    `${apps}/replicasets/${replicaSet.metadata.name}`,
    await withoutFinalizers(`${apps}/replicasets/${replicaSet.metadata.name}`),
  );
  const orphaned = await hub.snapshot('the ReplicaSet goes', (each) => each.complete && each.replicaSets.length === 0);
  expect(orphaned.snapshot.pods).toHaveLength(1);
  await plane.api.call('DELETE', `${core}/pods/web-abc-1?gracePeriodSeconds=0`);
  await hub.snapshot(
    'the pod goes',
    (each) => each.complete && each.replicaSets.length === 0 && each.pods.length === 0,
  );
});

test('a split that the cluster does not know yet is no error; it is seen as soon as it is, and each weight', async () => {
  hub.watch(watch('cart', { split: 'cart' }));
  const before = await hub.snapshot('the first whole picture', (each) => each.complete);
  expect(before.snapshot).toMatchObject({ stale: false });
  expect(before.snapshot.split).toBeUndefined();
  await installTrafficSplit(plane.api);
  await hub.value('shop', { kind: 'apply', objects: [splitOf('cart', 100, 0)] });
  // A run asks again when it knows more: that is when the agent looks again at once.
  hub.watch(watch('cart', { split: 'cart', services: ['cart'] }));
  await hub.snapshot('the split', (each) => each.split?.weights[0]?.weight === 100);
  const body = { spec: splitOf('cart', 75, 25)['spec'] };
  const object = { apiVersion: 'split.smi-spec.io/v1alpha2', kind: 'TrafficSplit', name: 'cart' };
  const sentMs = performance.now();
  await hub.value('shop', { kind: 'patch', object, type: 'merge', body });
  const shifted = await hub.snapshot('the new weights', (each) => each.split?.weights[1]?.weight === 25);
  console.log(`split patched by operation -> its snapshot at the hub: ${(shifted.arrivedMs - sentMs).toFixed(1)} ms`);
  expect(shifted.snapshot.split).toMatchObject({
    service: 'cart',
    weights: [
      { backend: 'cart-stable', weight: 75 },
      { backend: 'cart-canary', weight: 25 },
    ],
  });
});

test('a new session gets every picture anew; what is no longer asked for is no longer told', async () => {
  await createWorkload('one');
  await createWorkload('two');
  hub.watch(watch('one'), watch('two'));
  await hub.snapshot('one', (each) => each.watchId === 'watch-one' && each.complete);
  hub.snapshots.length = 0;
  hub.cut();
  const again = await hub.snapshot('one, anew', (each) => each.watchId === 'watch-one' && each.complete);
  expect(again.snapshot.pods).toHaveLength(1);
  expect(hub.hellos[1]!.watchVersions).toHaveProperty('watch-one');
  // A picture that is new with this statement shows that the agent has read it; what it sent before has come before.
  hub.watch(watch('two'), watch('three'));
  await hub.snapshot('three', (each) => each.watchId === 'watch-three' && each.complete);
  hub.snapshots.length = 0;
  await put(`${core}/pods/one-abc-1/status`, { ...(await podOf('one')), status: podStatus(true, {}) });
  await put(`${core}/pods/two-abc-1/status`, { ...(await podOf('two')), status: podStatus(true, {}) });
  await hub.snapshot('two changes', (each) => each.watchId === 'watch-two' && each.pods[0]?.ready === true);
  expect(hub.snapshots.map((each) => each.snapshot.watchId)).not.toContain('watch-one');
});

test('a namespace that is not allowed is not watched, and the picture says why', async () => {
  hub.watch(watch('web', { namespace: 'kube-system' }));
  const { snapshot } = await hub.snapshot('an answer', (each) => each.stale);
  expect(snapshot).toMatchObject({ complete: false, staleReason: expect.stringContaining('allowedNamespaces') });
});

test('without the right to watch, the picture is not whole, and says which right is missing', async () => {
  await agent.stop();
  const kubeconfig = await plane.kubeconfigFor('shop', 'powerless');
  agent = await startAgent({ server: `127.0.0.1:${hub.port}`, kubeconfig, namespaces: ['shop'] });
  await hub.connected();
  hub.watch(watch('web'));
  const { snapshot } = await hub.snapshot('an answer', (each) => each.staleReason.includes('pods is forbidden'));
  expect(snapshot.complete).toBe(false);
  expect(snapshot.staleReason).toMatch(/pods is forbidden: User "system:serviceaccount:shop:powerless" cannot list/);
  const rules = [{ group: 'apps', resource: 'deployments', verb: 'patch' }];
  expect(await hub.value('shop', { kind: 'reviewAccess', namespace: 'shop', rules })).toEqual({ denied: rules });
});

async function podOf(name: string): Promise<KubeObject> {
  return (await plane.api.call('GET', `${core}/pods/${name}-abc-1`)).body as KubeObject;
}

async function withoutFinalizers(path: string): Promise<object> {
  const { metadata, ...rest } = (await plane.api.call('GET', path)).body as KubeObject;
  const { finalizers: _finalizers, ...others } = metadata;
  return { ...rest, metadata: others };
}
