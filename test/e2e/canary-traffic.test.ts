/** What the clients see: no request lost, none at the wrong version, the share that was asked, under steady load. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ClientCounts } from '../cluster/mesh/counts.ts';
import { type Load } from '../cluster/mesh/load.ts';
import { setWeight, untilApproved, writeApplication, type ApplicationOptions } from '../support/application.ts';
import { binomialInterval } from '../support/binomial.ts';
import { followWeights, isMarked, namesOf, pathOf, podsOf } from '../support/namespace-state.ts';
import { approvalWanted, approve, deploy, endOf, eventsOf, eventThat, told } from '../support/rollout-watch.ts';
import { appImageName } from '../support/shared-cluster.ts';
import { REAL_DRAIN, startWorld, type Lane, type World } from '../support/world.ts';

const app = 'shop';
const namespace = 'canary-traffic';
/** Requests per second of each client. */
const RATE = 600;
const SHARES = [0.1, 10, 25, 50];
const ENOUGH = 10_000;

let world: World;
let lane: Lane;
let load: Load;
let options: ApplicationOptions;

beforeAll(async () => {
  world = await startWorld({ namespaces: [namespace] });
  lane = await world.startLane('east', [namespace], REAL_DRAIN);
  load = await world.startLoad();
  options = { name: app, account: 'east', namespace, image: appImageName, version: 'v1', replicas: 3 };
  await ship({ ...options, steps: [] }, 'succeeded');
  for (const name of ['busy', 'busy-too', 'unmeshed']) await startClient(name);
  await enough('busy', 500);
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

async function startClient(name: string): Promise<void> {
  const mode = name.startsWith('unmeshed') ? 'unmeshed' : 'meshed';
  const seed = name.length;
  await load.startClient({ name, mode, url: `http://${app}.${namespace}:80/`, rate: RATE, seed });
}

async function ship(application: ApplicationOptions, state: string): Promise<void> {
  const { orchestrator } = lane;
  const id = await deploy(orchestrator, await writeApplication(orchestrator.folder, application));
  const end = await endOf(orchestrator, id);
  expect(end.state, told(await eventsOf(orchestrator, id))).toBe(state);
}

/** Waits until a client was answered so many more times. */
async function enough(client: string, requests: number): Promise<void> {
  const answered = async (): Promise<number> => (await load.counts()).clients[client]?.answered ?? 0;
  const begin = await answered();
  while ((await answered()) < begin + requests) await delay(200);
}

/** All clients' failures between two marks: there may be none, and what there is is shown. */
async function failures(from: string, to: string): Promise<unknown[]> {
  const clients = await load.between(from, to);
  return Object.entries(clients).flatMap(([client, { failures: kinds }]) =>
    Object.entries(kinds).map(([kind, { count, sample }]) => ({ client, kind, count, sample })),
  );
}

function answersOf(counts: ClientCounts | undefined, version: string): number {
  return counts?.byVersion[version]?.answered ?? 0;
}

it('a promoted run loses no request, gives every client its share, and hides the canary from unmeshed clients', async () => {
  const { orchestrator } = lane;
  const steps = [setWeight(0), untilApproved, ...SHARES.flatMap((share) => [setWeight(share), untilApproved])];
  await load.mark('begin');
  const followed = await followWeights(world.kube, namespace);
  const id = await deploy(
    orchestrator,
    await writeApplication(orchestrator.folder, { ...options, version: 'v2', steps }),
  );
  await approvalWanted(lane.orchestrator, id, 1);
  await startClient('fresh');
  // One that was there before keeps its connections to the stable pods, wherever kube-proxy would lead a new one.
  await startClient('unmeshed-visitor');
  const canaryPods = await podsOf(world.kube, namespace, app);
  for (const [index, share] of [0, ...SHARES].entries()) {
    await approvalWanted(lane.orchestrator, id, index + 1);
    await delay(500); // the proxies follow in milliseconds
    await load.mark(`from-${share}`);
    await Promise.all(['busy', 'busy-too', 'fresh'].map((client) => enough(client, ENOUGH / 3)));
    await load.mark(`to-${share}`);
    const seen = await load.between(`from-${share}`, `to-${share}`);
    for (const client of ['busy', 'busy-too', 'fresh']) expectShare(client, seen[client], share);
    const meshed = ['busy', 'busy-too', 'fresh'].map((client) => seen[client]);
    expect(meshed.reduce((sum, counts) => sum + (counts?.answered ?? 0), 0)).toBeGreaterThanOrEqual(ENOUGH);
    for (const client of ['unmeshed', 'unmeshed-visitor']) {
      expect(answersOf(seen[client], 'v2'), `${client} at ${share} %`).toBe(0);
    }
    await approve(lane.orchestrator, id);
  }
  expect((await endOf(orchestrator, id)).state, told(await eventsOf(orchestrator, id))).toBe('succeeded');
  followed.stop();
  await load.mark('promoted');
  await enough('busy', 1_000);
  await load.mark('after');

  expect(await failures('begin', 'after')).toEqual([]);
  expect(followed.weights).toEqual([0, ...SHARES, 100, 0]);
  const after = await load.between('promoted', 'after');
  for (const [client, counts] of Object.entries(after)) expect(answersOf(counts, 'v1'), client).toBe(0);
  await expectPromoted(canaryPods);
}, 300_000);

it('a rolled-back run loses no request and leaves the stable as it was', async () => {
  const { orchestrator } = lane;
  const deploymentPath = pathOf('Deployment', namespace, app);
  const before = await world.kube.get(deploymentPath);
  const pods = await podsOf(world.kube, namespace, app);
  const names = await namesOf(world.kube, namespace);
  await load.mark('begin');
  const steps = [setWeight(50), untilApproved];
  const id = await deploy(
    orchestrator,
    await writeApplication(orchestrator.folder, { ...options, version: 'v3', steps }),
  );
  await approvalWanted(lane.orchestrator, id, 1);
  // What is ours to come back to, and is held now: its mark is a label, which its controller copies nowhere.
  const held = await world.kube.get(deploymentPath);
  expect(held?.metadata.labels).toHaveProperty(['sluice.dev/generation']);
  const sets = await world.kube.list(pathOf('ReplicaSet', namespace));
  const owned = sets.filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid === held?.metadata.uid);
  expect(owned.length).toBeGreaterThan(0);
  expect(owned.filter(isMarked)).toEqual([]);
  await startClient('unmeshed-later');
  await enough('busy', 1_000);
  expect(answersOf((await load.mark('shifted')).clients['busy'], 'v3')).toBeGreaterThan(100);
  expect((await orchestrator.sluice(['abort', id, '--reason', 'test'])).code).toBe(0);
  await eventThat(orchestrator, id, ({ kind }) => kind === 'rollback.started');
  await delay(500);
  await load.mark('back');
  expect((await endOf(orchestrator, id)).state, told(await eventsOf(orchestrator, id))).toBe('aborted');
  await enough('busy', 1_000);
  await load.mark('after');

  expect(await failures('begin', 'after')).toEqual([]);
  for (const [client, counts] of Object.entries(await load.between('back', 'after'))) {
    expect(answersOf(counts, 'v3'), client).toBe(0);
  }
  for (const client of ['unmeshed', 'unmeshed-later']) {
    expect(answersOf((await load.between('begin', 'after'))[client], 'v3'), client).toBe(0);
  }
  const after = await world.kube.get(deploymentPath);
  // Held and let go: one generation each, and nothing else.
  expect(after?.metadata.generation).toBe((before?.metadata.generation ?? 0) + 2);
  expect(after?.['spec']).toEqual(before?.['spec']);
  expect(after !== undefined && isMarked(after)).toBe(false);
  expect(await podsOf(world.kube, namespace, app)).toEqual(pods);
  expect(await namesOf(world.kube, namespace)).toEqual(names);
}, 180_000);

it('rollout undo works after a promotion', async () => {
  await world.cluster.kubectl(['-n', namespace, 'rollout', 'undo', `deployment/${app}`]);
  await world.cluster.kubectl(['-n', namespace, 'rollout', 'status', `deployment/${app}`, '--timeout=60s']);
  const deployment = await world.kube.get(pathOf('Deployment', namespace, app));
  expect(JSON.stringify(deployment?.['spec'])).toContain('"VERSION","value":"v1"');
  // An annotation on the adopted ReplicaSet, or copied to one, would have come back with it.
  expect(deployment !== undefined && isMarked(deployment)).toBe(false);
});

function expectShare(client: string, counts: ClientCounts | undefined, percent: number): void {
  const canary = answersOf(counts, 'v2');
  const [low, high] = binomialInterval(counts?.answered ?? 0, percent / 100, 0.999);
  const what = `${client} at ${percent} %: ${canary} of ${counts?.answered} to the canary, chance allows ${low} to ${high}`;
  expect(canary >= low && canary <= high, what).toBe(true);
}

/** Same pods, owned by the Deployment, root as it was, nothing left. */
async function expectPromoted(seen: { uid: string; hash: string }[]): Promise<void> {
  const pods = await podsOf(world.kube, namespace, app);
  expect(pods.map(({ restarts }) => restarts)).toEqual([0, 0, 0]);
  const known = new Set(seen.map(({ uid }) => uid));
  expect(pods.filter(({ uid }) => !known.has(uid))).toEqual([]);
  const deployment = await world.kube.get(pathOf('Deployment', namespace, app));
  const sets = await world.kube.list(pathOf('ReplicaSet', namespace));
  const set = sets.find(({ metadata }) => metadata.labels?.['pod-template-hash'] === pods[0]?.hash);
  expect(set?.metadata.ownerReferences?.[0]?.uid).toBe(deployment?.metadata.uid);
  const root = await world.kube.get(pathOf('Service', namespace, app));
  expect(root).toMatchObject({ spec: { selector: { app } } });
  expect(Object.keys((root as { spec?: { selector?: object } }).spec?.selector ?? {})).toEqual(['app']);
  expect([deployment, root, ...sets].filter((object) => object !== undefined && isMarked(object))).toEqual([]);
  const names = await namesOf(world.kube, namespace);
  expect(names.filter((name) => !name.startsWith('ReplicaSet '))).toEqual([`Deployment ${app}`, `Service ${app}`]);
}
