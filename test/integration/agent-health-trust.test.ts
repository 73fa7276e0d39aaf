import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../cluster/api.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { openApiDoor } from '../support/api-door.ts';
import type { ApiDoor } from '../support/api-door.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { deployment } from '../support/objects.ts';
import { Health } from '../../src/agent/health/health.ts';
import { KubeApi } from '../../src/agent/kubernetes/kube-api.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Snapshot, Watch } from '../../src/protocol/snapshot.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { Clock } from '../../src/shared/clock.ts';
import { silentLog } from '../../src/shared/log.ts';

let plane: ControlPlane;
let door: ApiDoor;
let api: KubeApi;
let health: Health;
/** As a hub would get them, were there no bound on what it can take. */
let sent: Snapshot[];

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
});

beforeEach(async () => {
  door = await openApiDoor(plane.kubeconfig);
  sent = [];
});

afterEach(async () => {
  health?.stop();
  api?.close();
  await door?.[Symbol.asyncDispose]();
});

afterAll(async () => plane?.stop());

const core = '/api/v1/namespaces/shop';
const apps = '/apis/apps/v1/namespaces/shop';

function startHealth(name: string, clock: Clock = systemClock): void {
  api = new KubeApi(door.access, clock);
  health = new Health({
    api,
    clock,
    log: silentLog,
    random: () => 0,
    allowedNamespaces: ['shop'],
    onNews: (id) => sent.push(health.snapshot(id)!),
  });
  health.set([watchOf(name)]);
}

function watchOf(name: string, id = name): Watch {
  return { id, namespace: 'shop', deployment: name, services: [name], routes: [], profiles: [], jobs: [] };
}

const look = (id: string): Snapshot => health.snapshot(id)!;

async function create(path: string, object: object): Promise<KubeObject> {
  const { status, body } = await plane.api.call('POST', path, object);
  if (status !== 201) throw new Error(`POST ${path}: ${JSON.stringify(body)}`);
  return body as KubeObject;
}

/** A ReplicaSet of a Deployment and its pods, as the controllers would make them. */
async function createPods(name: string, count: number, container: object = {}): Promise<KubeObject[]> {
  const made = await create(`${apps}/deployments`, deployment(name));
  const labels = { app: name, 'pod-template-hash': 'abc' };
  const owner = (kind: string, of: KubeObject) => [
    { apiVersion: 'apps/v1', kind, name: of.metadata.name, uid: of.metadata.uid, controller: true },
  ];
  const podSpec = { containers: [{ name: 'app', image: 'app:1', ...container }] };
  const set = await create(`${apps}/replicasets`, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: `${name}-abc`, labels, ownerReferences: owner('Deployment', made) },
    spec: { replicas: count, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
  });
  const pods: KubeObject[] = [];
  for (let at = 0; at < count; at++) {
    const metadata = { name: `${name}-abc-${at}`, labels, ownerReferences: owner('ReplicaSet', set) };
    pods.push(await create(`${core}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata, spec: podSpec }));
  }
  return pods;
}

async function setStatus(pod: KubeObject, ready: boolean, container: object): Promise<void> {
  const { name } = pod.metadata;
  const status = {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    containerStatuses: [{ name: 'app', image: 'app:1', imageID: '', ready, restartCount: 0, ...container }],
  };
  // The version is left out: whatever the pod is by now.
  const { resourceVersion: _old, ...metadata } = pod.metadata;
  const answer = await plane.api.call('PUT', `${core}/pods/${name}/status`, { ...pod, metadata, status });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
}

const running = { state: { running: { startedAt: null } } };
const crash = { state: { terminated: { exitCode: 3, reason: 'Error', startedAt: null, finishedAt: null } } };
const restarted = { ...running, lastState: crash.state, restartCount: 1 };
const remove = (path: string) => plane.api.call('DELETE', `${path}?gracePeriodSeconds=0`);
const isLog = (path: string): boolean => /\/pods\/[^/]+\/log\?/.test(path);
const logsRead = (): string[] => door.requests.filter(isLog);

test('a version that the API server has no more: listed anew at once, what went meanwhile has gone, and no picture is half of it', async () => {
  const [first, second] = await createPods('old', 2);
  startHealth('old');
  await until('the whole picture', async () => look('old').complete && look('old').pods.length === 2);
  const lists = () => door.requests.filter((path) => /\/pods\?limit/.test(path)).length;
  expect(lists()).toBe(1);
  // A fresh API server has all versions yet: the words are those of one that has compacted them away.
  const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version: 7 (4711)' };
  let told = 0;
  door.answer = (path) => {
    if (!path.includes('/pods?watch') || told > 0) return undefined;
    told += 1;
    return { status: 200, body: `${JSON.stringify({ type: 'ERROR', object: gone })}\n` };
  };
  door.freeze();
  door.cut();
  await remove(`${core}/pods/${first!.metadata.name}`);
  sent.length = 0;
  door.thaw();
  await until('the pod to have gone', async () => look('old').pods.length === 1);
  expect(told).toBe(1);
  expect(lists()).toBe(2);
  expect(look('old')).toMatchObject({ complete: true, pods: [{ name: second!.metadata.name }] });
  await until('it is fresh again', async () => !look('old').stale);
  expect(sent.filter(({ replicaSets, pods }) => replicaSets.length === 0 || pods.length === 0)).toEqual([]);
});

test('a watch that says nothing for 90 s is said to be stale, and fresh again once it is heard', async () => {
  const [pod] = await createPods('mute', 1);
  await setStatus(pod!, true, running);
  const clock = new ManualClock();
  startHealth('mute', clock);
  await until('the whole picture', async () => look('mute').complete && look('mute').pods[0]?.ready === true);
  await until(
    'all watches are taken',
    async () => door.requests.filter((path) => path.includes('watch=true')).length === 5,
  );
  expect(look('mute').stale).toBe(false);
  door.freeze();
  await setStatus(pod!, false, crash);
  clock.advance(89_000);
  await until('the door has been asked nothing', async () => true);
  expect(look('mute').stale).toBe(false);
  sent.length = 0;
  clock.advance(1000);
  await until('it is said to be stale', async () => sent.at(-1)?.stale === true);
  expect(look('mute').staleReason).toContain('pods in shop: No event and no bookmark of pods in shop for 90 s');
  // Old, and told as it was: nothing has gone.
  expect(look('mute')).toMatchObject({ complete: true, pods: [{ ready: true, failing: false }] });
  door.thaw();
  await until('it is fresh', async () => !look('mute').stale);
  await until('what happened meanwhile', async () => look('mute').pods[0]?.failing === true);
});

test('a right that is taken away leaves the picture as it was, stale, with the right that is missing', async () => {
  await createPods('poor', 1);
  startHealth('poor');
  await until('the whole picture', async () => look('poor').complete && look('poor').pods.length === 1);
  const message = 'pods is forbidden: User "agent" cannot list resource "pods" in API group "" in the namespace "shop"';
  door.answer = (path) =>
    path.startsWith(`${core}/pods?`)
      ? { status: 403, body: JSON.stringify({ kind: 'Status', code: 403, reason: 'Forbidden', message }) }
      : undefined;
  door.cut();
  await until('it is stale for it', async () => look('poor').staleReason.includes('cannot list resource "pods"'));
  expect(look('poor')).toMatchObject({ stale: true, pods: [{ name: 'poor-abc-0' }] });
  expect(sent.filter(({ complete, pods }) => complete && pods.length === 0)).toEqual([]);
});

test('a crash is told at once, and its last lines follow by one request; the next life’s crash is another', async () => {
  const [pod, other] = await createPods('web', 2);
  await setStatus(pod!, true, running);
  await setStatus(other!, true, running);
  const asked = Promise.withResolvers<void>();
  door.answer = (path) =>
    isLog(path) ? (asked.resolve(), { status: 200, body: 'one\ntwo\npanic: no database\n' }) : undefined;
  startHealth('web');
  await until('the whole picture', async () => look('web').complete && look('web').pods.every(({ ready }) => ready));
  await setStatus(pod!, false, crash);
  await until('the lines', async () => sent.at(-1)?.pods.some(({ logTail }) => logTail !== undefined) === true);
  const told = sent.filter(({ pods }) => pods.some(({ failing }) => failing));
  expect(told[0]!.pods.find(({ failing }) => failing)).not.toHaveProperty('logTail');
  expect(told.at(-1)!.pods.find(({ failing }) => failing)).toMatchObject({
    reason: 'Error',
    message: 'container app exited with code 3',
    logTail: 'one\ntwo\npanic: no database',
  });
  expect(logsRead()).toEqual([expect.stringContaining('web-abc-0/log?container=app&previous=false&tailLines=20')]);
  await setStatus(pod!, false, restarted);
  await until('it was restarted', async () => look('web').pods.some(({ restarts }) => restarts === 1));
  expect(look('web').pods.find(({ restarts }) => restarts === 1)!.logTail).toContain('panic');
  await setStatus(pod!, true, restarted);
  await until('it is well', async () => look('web').pods.every(({ ready }) => ready));
  expect(look('web').pods.some((each) => 'logTail' in each)).toBe(false);
  expect(logsRead()).toHaveLength(1);
  await setStatus(pod!, false, { ...running, lastState: crash.state, restartCount: 2 });
  await until('the lines of the second', async () => look('web').pods.some(({ logTail }) => logTail !== undefined));
  expect(logsRead().at(-1)).toContain('previous=true');
  expect(logsRead()).toHaveLength(2);
});

test('thirty pods that crash at once cost five reads; a missing right is not asked for again', async () => {
  const pods = await createPods('many', 30);
  startHealth('many');
  door.answer = (path) => (isLog(path) ? { status: 200, body: 'panic\n' } : undefined);
  for (const pod of pods) await setStatus(pod, false, crash);
  await until('five have their lines', async () => look('many').pods.filter(({ logTail }) => logTail).length === 5);
  await until('all crashed', async () => look('many').pods.filter(({ failing }) => failing).length === 30);
  expect(logsRead()).toHaveLength(5);
  const body = JSON.stringify({ kind: 'Status', code: 403, reason: 'Forbidden', message: 'no' });
  door.answer = (path) => (isLog(path) ? { status: 403, body } : undefined);
  for (const pod of pods) await setStatus(pod, false, { ...crash, restartCount: 1 });
  await until('one was refused', async () => logsRead().length === 6);
  await until('all crashed twice', async () => look('many').pods.every(({ restarts }) => restarts === 1));
  expect(logsRead()).toHaveLength(6);
});

test('a namespace full of crashes costs ten reads at once, and then one a second', async () => {
  const names = Array.from({ length: 12 }, (_, at) => `crowd-${at}`);
  const pods = await Promise.all(names.map(async (name) => (await createPods(name, 1))[0]!));
  door.answer = (path) => (isLog(path) ? { status: 200, body: 'panic\n' } : undefined);
  const clock = new ManualClock();
  startHealth(names[0]!, clock);
  health.set(names.map((name) => watchOf(name)));
  await until('all pictures', async () => names.every((name) => look(name).complete && look(name).pods.length === 1));
  for (const pod of pods) await setStatus(pod, false, crash);
  await until('all are told', async () => names.every((name) => look(name).pods[0]!.failing));
  const explained = () => names.filter((name) => look(name).pods[0]!.logTail === 'panic').length;
  await until('ten have their lines', async () => explained() === 10);
  expect(logsRead()).toHaveLength(10);
  clock.advance(1000);
  await until('the eleventh', async () => explained() === 11);
  expect(logsRead()).toHaveLength(11);
  clock.advance(1000);
  await until('the last', async () => explained() === 12);
});

test('a pod that was told to end and does not go says so after its time, with what holds it', async () => {
  const [pod] = await createPods('held', 1);
  const path = `${core}/pods/${pod!.metadata.name}`;
  const finalizers = ['example.test/lock'];
  await plane.api.call('PUT', path, { ...pod, metadata: { ...pod!.metadata, finalizers } });
  const clock = new ManualClock();
  startHealth('held', clock);
  await until('the picture', async () => look('held').complete && look('held').pods.length === 1);
  await remove(path);
  await until('it ends', async () => look('held').pods[0]?.deleting === true);
  expect(look('held').pods[0]).toMatchObject({ reason: '' });
  clock.advance(29_000);
  expect(look('held').pods[0]).toMatchObject({ reason: '' });
  clock.advance(1000);
  expect(look('held').pods[0]).toMatchObject({
    reason: 'Terminating',
    failing: false,
    message: expect.stringContaining('its finalizers are not removed: example.test/lock'),
  });
});

test('which probe failed is read from the pod’s own events', async () => {
  const [pod, other] = await createPods('probed', 2, { readinessProbe: { httpGet: { path: '/', port: 80 } } });
  for (const each of [pod!, other!]) await setStatus(each, true, { ...running, started: true });
  startHealth('probed');
  await until(
    'the whole picture',
    async () => look('probed').complete && look('probed').pods.every(({ ready }) => ready),
  );
  const event = (name: string, of: KubeObject, message: string) => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: of.metadata.name, uid: of.metadata.uid },
    type: 'Warning',
    reason: 'Unhealthy',
    message,
    lastTimestamp: new Date().toISOString(),
  });
  await create(`${core}/events`, event('mine', pod!, 'Readiness probe failed: HTTP probe failed with statuscode: 503'));
  await create(`${core}/events`, event('others', other!, 'Readiness probe failed: of somebody else'));
  await setStatus(pod!, false, { ...running, started: true });
  const reasonOf = () => look('probed').pods.find(({ ready }) => !ready);
  await until('it is not ready', async () => reasonOf()?.reason === 'NotReady');
  await until('the reason', async () => reasonOf()?.reason === 'ReadinessProbeFailed');
  expect(reasonOf()).toMatchObject({ failing: false, message: expect.stringContaining('statuscode: 503') });
  expect(door.requests.filter((path) => path.includes('/events?'))).toHaveLength(1);
});

test('pods of a Deployment that nobody asked for are not asked about', async () => {
  const [pod] = await createPods('stranger', 1);
  startHealth('somebody-else');
  await until('the whole picture', async () => look('somebody-else').complete);
  await setStatus(pod!, false, crash);
  health.set([watchOf('web-of-nobody', 'w')]);
  // What comes later by the same watch shows that the crash has been seen.
  const [later] = await createPods('web-of-nobody', 1);
  await setStatus(later!, true, running);
  await until('what came later', async () => look('w').pods[0]?.ready === true);
  expect(logsRead()).toEqual([]);
  door.answer = (path) => (isLog(path) ? { status: 200, body: 'panic\n' } : undefined);
  health.set([watchOf('stranger', 's')]);
  await until('now somebody did', async () => look('s').pods[0]?.logTail === 'panic');
});
