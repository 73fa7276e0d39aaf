/** `retain: true` on a Linkerd without HTTPRoute: from the second canary on, busy clients get their share, too. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClientCounts } from '../cluster/mesh/counts.ts';
import { type Load } from '../cluster/mesh/load.ts';
import { setWeight, untilApproved, writeApplication, type ApplicationOptions } from '../support/application.ts';
import { binomialInterval } from '../support/binomial.ts';
import { isMarked, namesOf, pathOf } from '../support/namespace-state.ts';
import { approvalWanted, approve, deploy, endOf, eventsOf, told } from '../support/rollout-watch.ts';
import { appImageName } from '../support/shared-cluster.ts';
import { REAL_DRAIN, startWorld, type Lane, type World } from '../support/world.ts';

const app = 'shop';
const namespace = 'shop';
/** Where a run does not retain its split. */
const plain = 'plain';
const RATE = 600;
const ENOUGH = 3_000;
const steps = [setWeight(0), untilApproved, setWeight(25), untilApproved];
/** What stays between two runs, and nothing beside it. */
const KEPT = [
  `Deployment ${app}`,
  `Service ${app}`,
  `Service ${app}-canary`,
  `Service ${app}-stable`,
  `TrafficSplit ${app}`,
  `ServiceProfile ${app}.${namespace}.svc.cluster.local`,
];

let world: World;
let lane: Lane;
let load: Load;
let options: ApplicationOptions;

beforeAll(async () => {
  world = await startWorld({ namespaces: [namespace, plain], httpRoute: false });
  lane = await world.startLane('east', [namespace, plain], REAL_DRAIN);
  load = await world.startLoad();
  options = {
    name: app,
    account: 'east',
    namespace,
    image: appImageName,
    version: 'v1',
    replicas: 2,
    smi: { retain: true },
  };
  const id = await start({ steps: [] });
  await over(id, 'succeeded');
  for (const name of ['early', 'unmeshed']) await startClient(name);
  await enough('early', 500);
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

async function startClient(name: string, of = namespace): Promise<void> {
  const mode = name.startsWith('unmeshed') ? 'unmeshed' : 'meshed';
  await load.startClient({ name, mode, url: `http://${app}.${of}:80/`, rate: RATE, seed: name.length });
}

async function start(more: Partial<ApplicationOptions>): Promise<string> {
  return deploy(lane.orchestrator, await writeApplication(lane.orchestrator.folder, { ...options, ...more }));
}

async function over(id: string, state: string): Promise<void> {
  expect((await endOf(lane.orchestrator, id)).state, told(await eventsOf(lane.orchestrator, id))).toBe(state);
}

async function warningsOf(id: string): Promise<string> {
  const events = await eventsOf(lane.orchestrator, id);
  return events.flatMap(({ kind, message }) => (kind === 'warning' ? [message] : [])).join('\n');
}

async function enough(client: string, requests: number): Promise<void> {
  const answered = async (): Promise<number> => (await load.counts()).clients[client]?.answered ?? 0;
  const begin = await answered();
  while ((await answered()) < begin + requests) await delay(200);
}

/** What the clients got, each of them often enough, from now on. */
async function seenBy(...clients: string[]): Promise<Record<string, ClientCounts>> {
  await delay(500); // the proxies follow in milliseconds
  await load.mark('from');
  await Promise.all(clients.map((client) => enough(client, ENOUGH)));
  await load.mark('to');
  return load.between('from', 'to');
}

async function nothingFailed(from: string): Promise<void> {
  await enough('unmeshed', 500);
  await load.mark('now');
  const clients = await load.between(from, 'now');
  const failed = Object.entries(clients).flatMap(([client, { failures }]) =>
    Object.entries(failures).map(([kind, { count, sample }]) => ({ client, kind, count, sample })),
  );
  expect(failed).toEqual([]);
}

function expectShare(client: string, counts: ClientCounts | undefined, version: string, percent: number): void {
  const canary = counts?.byVersion[version]?.answered ?? 0;
  const [low, high] = binomialInterval(counts?.answered ?? 0, percent / 100, 0.999);
  const what = `${client} at ${percent} %: ${canary} of ${counts?.answered}, chance allows ${low} to ${high}`;
  expect(canary >= low && canary <= high, what).toBe(true);
}

/** Root as its owner wrote it; split all at the stable, whose backend picks all pods and whose twin picks none. */
async function expectKept(): Promise<void> {
  const names = await namesOf(world.kube, namespace);
  expect(names.filter((name) => !name.startsWith('ReplicaSet ')).toSorted()).toEqual(KEPT.toSorted());
  const service = async (name: string): Promise<unknown> => world.kube.get(pathOf('Service', namespace, name));
  expect(await service(app)).toMatchObject({ spec: { selector: { app } } });
  expect(await service(`${app}-stable`)).toHaveProperty('spec.selector', { app });
  expect(await service(`${app}-canary`)).toHaveProperty('spec.selector', { app, 'pod-template-hash': 'none' });
  const split = await world.kube.get(pathOf('TrafficSplit', namespace, app));
  // The agent's guard went with the run.
  expect({ ...split?.metadata.labels, ...split?.metadata.annotations }).not.toHaveProperty(['sluice.dev/guard']);
  expect(split).toMatchObject({
    metadata: { labels: { 'sluice.dev/retained': 'true' } },
    spec: {
      service: app,
      backends: [
        { service: `${app}-stable`, weight: 10_000 },
        { service: `${app}-canary`, weight: 0 },
      ],
    },
  });
  for (const kind of ['Deployment', 'Service']) {
    const object = await world.kube.get(pathOf(kind, namespace, app));
    expect(object === undefined || isMarked(object)).toBe(false);
  }
}

test('a busy client gets nothing of the canary, a fresh one its share, and the run says so', async () => {
  const mine = { namespace: plain, smi: {} };
  await over(await start({ ...mine, steps: [] }), 'succeeded');
  await startClient('plain-busy', plain);
  await enough('plain-busy', 500);
  await load.mark('plain');
  const id = await start({
    ...mine,
    version: 'v2',
    steps: [setWeight(0), untilApproved, setWeight(50), untilApproved],
  });
  await approvalWanted(lane.orchestrator, id, 1);
  await startClient('plain-fresh', plain);
  await approve(lane.orchestrator, id);
  await approvalWanted(lane.orchestrator, id, 2);
  const seen = await seenBy('plain-busy', 'plain-fresh');
  expect(seen['plain-busy']?.byVersion['v2']?.answered ?? 0).toBe(0);
  expectShare('plain-fresh', seen['plain-fresh'], 'v2', 50);
  await approve(lane.orchestrator, id);
  await over(id, 'succeeded');
  await nothingFailed('plain');
  expect(await warningsOf(id)).toContain('will not follow the split until they idle or restart');
  for (const client of ['plain-busy', 'plain-fresh']) await load.stopClient(client);
}, 180_000);

test('the first run cannot reach who is busy, says so with the way out, and keeps its split when it is promoted', async () => {
  await load.mark('first');
  const id = await start({ version: 'v2', steps });
  await approvalWanted(lane.orchestrator, id, 1);
  await startClient('met-the-split');
  await approve(lane.orchestrator, id);
  await approvalWanted(lane.orchestrator, id, 2);
  const seen = await seenBy('early', 'met-the-split');
  expect(seen['early']?.byVersion['v2']?.answered ?? 0).toBe(0);
  expectShare('met-the-split', seen['met-the-split'], 'v2', 25);
  await approve(lane.orchestrator, id);
  await over(id, 'succeeded');
  await nothingFailed('first');
  const warnings = await warningsOf(id);
  expect(warnings).toContain('will not follow the split until they idle or restart');
  expect(warnings).toContain('this run keeps its split (retain: true)');
  await expectKept();
}, 180_000);

test('the second run takes them over: who is busy gets the share from the first step, nothing is made twice', async () => {
  const { uid } = (await world.kube.get(pathOf('TrafficSplit', namespace, app)))?.metadata ?? {};
  await load.mark('second');
  const id = await start({ version: 'v3', steps: [setWeight(10), untilApproved, setWeight(25), untilApproved] });
  for (const [turn, share] of [10, 25].entries()) {
    await approvalWanted(lane.orchestrator, id, turn + 1);
    const seen = await seenBy('met-the-split', 'unmeshed');
    expectShare('met-the-split', seen['met-the-split'], 'v3', share);
    expect(seen['unmeshed']?.byVersion['v3']?.answered ?? 0).toBe(0);
    const splits = await world.kube.list(pathOf('TrafficSplit', namespace));
    expect(splits.map(({ metadata }) => metadata.uid)).toEqual([uid]);
    await approve(lane.orchestrator, id);
  }
  await over(id, 'succeeded');
  await nothingFailed('second');
  expect(await warningsOf(id)).toBe('');
  await expectKept();
}, 180_000);

test('a run that rolls back keeps them as well, and a Deployment rolled by hand keeps its clients', async () => {
  await load.mark('third');
  const id = await start({ version: 'v4', steps: [setWeight(25), untilApproved] });
  await approvalWanted(lane.orchestrator, id, 1);
  expectShare('met-the-split', (await seenBy('met-the-split'))['met-the-split'], 'v4', 25);
  expect((await lane.orchestrator.sluice(['abort', id, '--reason', 'test'])).code).toBe(0);
  await over(id, 'aborted');
  await expectKept();
  const inNamespace = ['-n', namespace, 'rollout'];
  await world.cluster.kubectl([...inNamespace, 'restart', `deployment/${app}`]);
  await world.cluster.kubectl([...inNamespace, 'status', `deployment/${app}`, '--timeout=60s']);
  await enough('met-the-split', 1_000);
  await nothingFailed('third');
}, 180_000);

test('without retain the next run takes everything away', async () => {
  await load.mark('fourth');
  const id = await start({ version: 'v5', steps: [setWeight(25)], smi: {} });
  await over(id, 'succeeded');
  await nothingFailed('fourth');
  const names = await namesOf(world.kube, namespace);
  expect(names.filter((name) => !name.startsWith('ReplicaSet '))).toEqual([`Deployment ${app}`, `Service ${app}`]);
}, 120_000);
