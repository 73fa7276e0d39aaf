/**
 * A run survives kill -9 of the orchestrator or of the agent at each of its points, and ends as if nothing had been.
 * In every run of the tests a rollout is killed at several points, and at each point once; `npm run matrix` takes each point alone too.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pauseFor, setWeight, writeApplication, type ApplicationOptions } from '../support/application.ts';
import { isLong } from '../support/long-run.ts';
import { followWeights, namesOf, podsOf } from '../support/namespace-state.ts';
import { deploy, endOf, eventsOf, eventThat, told, type SeenEvent } from '../support/rollout-watch.ts';
import { appImageName } from '../support/shared-cluster.ts';
import { startWorld, type Lane, type World } from '../support/world.ts';

interface Point {
  name: string;
  fits: (event: SeenEvent) => boolean;
}

function at(name: string, kind: string, text = ''): Point {
  return { name, fits: (event) => event.kind === kind && event.message.includes(text) };
}

const onTheWay: Point[] = [
  at('reading the cluster', 'rollout.started'),
  at('holding the Deployment', 'rollout.phase', 'is held'),
  at('making backends', 'rollout.phase', 'pick one version'),
  at('making the split', 'rollout.phase', 'all to stable'),
  at('raising the canary', 'rollout.phase', 'comes up'),
  at('the canary ready', 'rollout.ready'),
  at('the first weight', 'rollout.weight', '10 %'),
  at('a pause', 'pause'),
  at('the second weight', 'rollout.weight', '50 %'),
  at('everything at the canary', 'rollout.weight', '100 %'),
  at('adoption', 'rollout.phase', 'adopts'),
  at('clean-up', 'rollout.phase', 'cleans up'),
];

const onTheWayBack: Point[] = [
  at('traffic at the canary, before the crash', 'pause'),
  at('the start of the rollback', 'rollback.started'),
  at('traffic back', 'rollout.weight', 'back at the old version'),
  at('clean-up after it', 'rollout.phase', 'cleans up'),
];

const steps = [setWeight(10), pauseFor(1), setWeight(50), pauseFor(1)];
/** The canary that is to roll back is not to be promoted before it breaks. */
const breaking = { steps: [setWeight(10), pauseFor(1), setWeight(50), pauseFor(60)], env: { CRASH_AFTER_MS: '6000' } };
/** Independent orchestrators side by side: the runs mostly wait. */
const LANES = 2;

/** Applications by lane, each shipped again and again; its version counts up. */
interface KilledApp {
  lane: Lane;
  options: ApplicationOptions;
  version: number;
}

let world: World;
const free: KilledApp[] = [];
const waiting: ((app: KilledApp) => void)[] = [];

beforeAll(async () => {
  const names = Array.from({ length: LANES }, (_, index) => `kill-${index + 1}`);
  world = await startWorld({ namespaces: names });
  free.push(...(await Promise.all(names.map(firstDeployment))));
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

async function firstDeployment(name: string): Promise<KilledApp> {
  const lane = await world.startLane(name, [name]);
  const { orchestrator, account, namespace } = lane;
  const options: ApplicationOptions = { name: 'app', account, namespace, image: appImageName, version: 'v1', steps };
  const id = await deploy(orchestrator, await writeApplication(orchestrator.folder, options));
  expect((await endOf(orchestrator, id)).state).toBe('succeeded');
  return { lane, options, version: 1 };
}

async function withApp(use: (app: KilledApp) => Promise<void>): Promise<void> {
  const app = free.pop() ?? (await new Promise<KilledApp>((resolve) => waiting.push(resolve)));
  try {
    await use(app);
  } finally {
    const next = waiting.shift();
    if (next === undefined) free.push(app);
    else next(app);
  }
}

type Victim = 'orchestrator' | 'agent';

async function kill({ orchestrator, agent }: Lane, victim: Victim): Promise<void> {
  const process = victim === 'orchestrator' ? orchestrator : agent;
  await process.kill9();
  await process.restart();
}

/** Ships the next version, with a kill at each of the points, which are in the order in which a run comes by them. */
async function run(app: KilledApp, points: Point[], victim: Victim, more: Partial<ApplicationOptions> = {}) {
  const { lane, options } = app;
  const { orchestrator, namespace } = lane;
  const stable = await podsOf(world.kube, namespace, options.name);
  const names = await namesOf(world.kube, namespace);

  const followed = await followWeights(world.kube, namespace);
  app.version += 1;
  const file = await writeApplication(orchestrator.folder, { ...options, ...more, version: `v${app.version}` });
  const id = await deploy(orchestrator, file);
  for (const point of points) {
    await eventThat(orchestrator, id, point.fits);
    await kill(lane, victim);
  }
  const end = await endOf(orchestrator, id, 180_000);
  followed.stop();
  const pods = await podsOf(world.kube, namespace, options.name);
  const after = await namesOf(world.kube, namespace);
  const events = await eventsOf(orchestrator, id);
  return { end, events, weights: followed.weights, pods, stable, names, after };
}

/** Points that are killed in one run: far apart, so that each finds a run that goes on; one by one where the matrix is asked for. */
function groups(points: Point[], count: number): { points: Point[]; names: string }[] {
  const together = Array.from({ length: isLong ? points.length : count }, (_, group) =>
    points.filter((_, index) => index % (isLong ? points.length : count) === group),
  );
  return together.map((each) => ({ points: each, names: each.map(({ name }) => name).join(', then at ') }));
}

for (const victim of ['orchestrator', 'agent'] as const) {
  describe.concurrent(`kill -9 of the ${victim}`, () => {
    it.each(groups(onTheWay, 4))(
      'at $names: the run goes on, promotes once, and no weight is skipped or repeated downward',
      async ({ points }) => {
        await withApp(async (app) => {
          const seen = await run(app, points, victim);
          expect(seen.end.state, told(seen.events)).toBe('succeeded');
          expect(seen.weights, told(seen.events)).toEqual([0, 10, 50, 100, 0]);
          expect(seen.pods.map(({ restarts }) => restarts)).toEqual([0, 0]);
          expect(new Set(seen.pods.map(({ hash }) => hash)).size).toBe(1);
          expect(seen.pods.some(({ uid }) => seen.stable.some((old) => old.uid === uid))).toBe(false);
          // The old revision's empty ReplicaSet stays as history, the adopted one is new; nothing else.
          expect(
            seen.after.filter((name) => !seen.names.includes(name)),
            told(seen.events),
          ).toHaveLength(1);
        });
      },
    );

    it.each(groups(onTheWayBack, 2))('at $names: the run rolls back and leaves nothing', async ({ points }) => {
      await withApp(async (app) => {
        const seen = await run(app, points, victim, breaking);
        expect(seen.end.state, told(seen.events)).toBe('rolledBack');
        expect(seen.weights.at(-1)).toBe(0);
        expect(seen.pods.map(({ uid }) => uid).toSorted()).toEqual(seen.stable.map(({ uid }) => uid).toSorted());
        expect(seen.after).toEqual(seen.names);
      });
    });
  });
}
