/** A run survives kill -9 of the orchestrator or of the agent at each of its points, and ends as if nothing had been. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pauseFor, setWeight, writeApplication, type ApplicationOptions } from '../support/application.ts';
import { followWeights, namesOf, podsOf } from '../support/namespace-state.ts';
import { deploy, endOf, eventsOf, eventThat, told, type SeenEvent } from '../support/rollout-watch.ts';
import { appImageName, startWorld, type Lane, type World } from '../support/world.ts';

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
/** Independent orchestrators side by side: the runs mostly wait. */
const LANES = 3;

let world: World;
const free: Lane[] = [];
const waiting: ((lane: Lane) => void)[] = [];

beforeAll(async () => {
  const names = Array.from({ length: LANES }, (_, index) => `lane-${index + 1}`);
  world = await startWorld({ namespaces: names });
  free.push(...(await Promise.all(names.map((name) => world.startLane(name, [name])))));
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

async function withLane(use: (lane: Lane) => Promise<void>): Promise<void> {
  const lane = free.pop() ?? (await new Promise<Lane>((resolve) => waiting.push(resolve)));
  try {
    await use(lane);
  } finally {
    const next = waiting.shift();
    if (next === undefined) free.push(lane);
    else next(lane);
  }
}

type Victim = 'orchestrator' | 'agent';

async function kill({ orchestrator, agent }: Lane, victim: Victim): Promise<void> {
  const process = victim === 'orchestrator' ? orchestrator : agent;
  await process.kill9();
  await process.restart();
}

let count = 0;

/** Ships v1 as a first deployment, then v2 with a kill at the point. */
async function run(lane: Lane, point: Point, victim: Victim, env: Record<string, string> = {}) {
  const { orchestrator, account, namespace } = lane;
  const name = `app-${++count}`;
  const options: ApplicationOptions = { name, account, namespace, image: appImageName, version: 'v1', steps };
  const before = await writeApplication(orchestrator.folder, options);
  expect((await endOf(orchestrator, await deploy(orchestrator, before))).state).toBe('succeeded');
  const stable = await podsOf(world.kube, namespace, name);
  const names = await namesOf(world.kube, namespace);

  const followed = await followWeights(world.kube, namespace);
  const file = await writeApplication(orchestrator.folder, { ...options, version: 'v2', env });
  const id = await deploy(orchestrator, file);
  await eventThat(orchestrator, id, point.fits);
  await kill(lane, victim);
  const end = await endOf(orchestrator, id, 180_000);
  followed.stop();
  const pods = await podsOf(world.kube, namespace, name);
  const after = await namesOf(world.kube, namespace);
  const events = await eventsOf(orchestrator, id);
  await world.cluster.kubectl(['-n', namespace, 'delete', 'deployment,service', name, '--wait=true']);
  return { end, events, weights: followed.weights, pods, stable, names, after };
}

for (const victim of ['orchestrator', 'agent'] as const) {
  describe.concurrent(`kill -9 of the ${victim}`, () => {
    it.each(onTheWay)(
      'at $name: the run goes on, promotes once, and no weight is skipped or repeated downward',
      async (point) => {
        await withLane(async (lane) => {
          const seen = await run(lane, point, victim);
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

    it.each(onTheWayBack)('at $name: the run rolls back and leaves nothing', async (point) => {
      await withLane(async (lane) => {
        const seen = await run(lane, point, victim, { CRASH_AFTER_MS: '6000' });
        expect(seen.end.state, told(seen.events)).toBe('rolledBack');
        expect(seen.weights.at(-1)).toBe(0);
        expect(seen.pods.map(({ uid }) => uid).toSorted()).toEqual(seen.stable.map(({ uid }) => uid).toSorted());
        expect(seen.after).toEqual(seen.names);
      });
    });
  });
}
