/** The guard on a real node, under load: the canary breaks while nobody is there but the agent. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { changeApp } from '../cluster/mesh/app.ts';
import { type Load } from '../cluster/mesh/load.ts';
import { setWeight, untilApproved, writeApplication, type ApplicationOptions } from '../support/application.ts';
import { followWeights, isMarked, namesOf, pathOf, podsOf } from '../support/namespace-state.ts';
import { approvalWanted, deploy, endOf, eventsOf, told } from '../support/rollout-watch.ts';
import { appImageName } from '../support/shared-cluster.ts';
import { REAL_DRAIN, startWorld, type Lane, type World } from '../support/world.ts';

/** Requests per second of the client. */
const RATE = 400;
const CONCURRENCY = 10;

let world: World;
let load: Load;

beforeAll(async () => {
  world = await startWorld({ namespaces: ['guard-alone', 'guard-heir'] });
  load = await world.startLoad();
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

/** Resolves once the split holds this share, in percent; asked anew without a pause of note. */
async function untilWeight(namespace: string, percent: number): Promise<number> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    const [split] = await world.kube.list(pathOf('TrafficSplit', namespace));
    const { backends = [] } = (split?.['spec'] ?? {}) as { backends?: { weight: number }[] };
    if (Number(backends[1]?.weight) === percent * 100) return performance.now();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`the canary in ${namespace} has not ${percent} % after 30 s`);
}

async function answered(client: string): Promise<number> {
  return (await load.counts()).clients[client]?.answered ?? 0;
}

async function enough(client: string, requests: number): Promise<void> {
  const begin = await answered(client);
  while ((await answered(client)) < begin + requests) await new Promise((resolve) => setTimeout(resolve, 100));
}

/**
 * A canary at 50 % of the traffic whose container ends while the orchestrator is dead; `meanwhile` happens before the crash.
 * Then the orchestrator comes back and finishes.
 */
async function expectTakeover(
  lane: Lane,
  meanwhile: (crash: () => Promise<unknown>) => Promise<number>,
): Promise<void> {
  const { orchestrator, account, namespace } = lane;
  const app = 'shop';
  const steps = [setWeight(10), setWeight(50), untilApproved];
  const options: ApplicationOptions = { name: app, account, namespace, image: appImageName, version: 'v1', steps };
  const before = await deploy(orchestrator, await writeApplication(orchestrator.folder, options));
  expect((await endOf(orchestrator, before)).state).toBe('succeeded');
  const stable = await podsOf(world.kube, namespace, app);
  const names = await namesOf(world.kube, namespace);
  const client = `client-${namespace}`;
  const url = `http://${app}.${namespace}:80/`;
  await load.startClient({ name: client, mode: 'meshed', url, rate: RATE, concurrency: CONCURRENCY });
  await enough(client, 500);

  const followed = await followWeights(world.kube, namespace);
  const id = await deploy(orchestrator, await writeApplication(orchestrator.folder, { ...options, version: 'v2' }));
  await approvalWanted(orchestrator, id, 1);
  const [split] = await world.kube.list(pathOf('TrafficSplit', namespace));
  expect(split?.metadata.labels?.['sluice.dev/guard']).toBe('armed');
  await orchestrator.kill9();
  await load.mark(`${namespace}-begin`);
  await enough(client, 500);
  const canary = (await podsOf(world.kube, namespace, app)).find(({ hash }) => hash !== stable[0]?.hash);
  const selector = `app=${app},pod-template-hash=${canary?.hash}`;
  const tookMs = await meanwhile(() => changeApp(world.cluster, namespace, selector, { crash: 1 }));
  // The proxies follow in milliseconds.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await load.mark(`${namespace}-fired`);
  await enough(client, 1000);
  await load.mark(`${namespace}-after`);
  expect(followed.weights).toEqual([0, 10, 50, 0]);

  await orchestrator.restart();
  const end = await endOf(orchestrator, id);
  followed.stop();
  const events = await eventsOf(orchestrator, id);
  expect(end.state, told(events)).toBe('rolledBack');
  expect(end.reason ?? end.rollouts[0]?.reason, told(events)).toContain(
    "the agent's guard sent all traffic to the stable: canary pod",
  );
  // Never a weight of before again.
  expect(followed.weights).toEqual([0, 10, 50, 0]);
  expect((await podsOf(world.kube, namespace, app)).map(({ uid }) => uid).toSorted()).toEqual(
    stable.map(({ uid }) => uid).toSorted(),
  );
  expect(await namesOf(world.kube, namespace)).toEqual(names);
  const root = await world.kube.get(pathOf('Service', namespace, app));
  expect(root !== undefined && isMarked(root)).toBe(false);
  const happened = await world.kube.list(`/api/v1/namespaces/${namespace}/events`);
  expect(happened.filter((event) => event['reason'] === 'GuardFired')).toHaveLength(1);

  const state = await load.stopClient(client);
  await load.mark(`${namespace}-end`);
  const lost = async (from: string, to: string): Promise<{ kind: string; count: number; sample: string }[]> => {
    const counts = (await load.between(`${namespace}-${from}`, `${namespace}-${to}`))[client];
    return Object.entries(counts?.failures ?? {}).map(([kind, { count, sample }]) => ({ kind, count, sample }));
  };
  const inFlight = await lost('begin', 'fired');
  console.log(
    `${namespace}: canary crashed -> weight 0 in ${tookMs.toFixed(0)} ms; of ${state.sent} requests lost until then, with the pods that ended: ${JSON.stringify(inFlight)}`,
  );
  expect(await lost('fired', 'after')).toEqual([]);
}

it('the orchestrator is dead, the canary crashes: the agent gives all traffic to the stable, the orchestrator finishes', async () => {
  const lane = await world.startLane('alone', ['guard-alone'], REAL_DRAIN);
  await expectTakeover(lane, async (crash) => {
    const begunMs = performance.now();
    await crash();
    return (await untilWeight(lane.namespace, 0)) - begunMs;
  });
}, 240_000);

it('the same with an agent that was killed, and started after the crash', async () => {
  const lane = await world.startLane('heir', ['guard-heir'], REAL_DRAIN);
  await expectTakeover(lane, async (crash) => {
    await lane.agent.kill9();
    await crash();
    const begunMs = performance.now();
    await lane.agent.startAlone();
    return (await untilWeight(lane.namespace, 0)) - begunMs;
  });
}, 240_000);
