/** The election as a whole, in simulated time: whatever happens to requests, clocks and processes, never two that act. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { leaseTimes } from '../../../src/agent/lease/candidate.ts';
import { LeaseWorld } from '../../support/lease-world.ts';

const times = leaseTimes(15_000);
/** What one that must stop has sent last may still be on its way for so long. */
const WINDOW_MS = times.leaseMs - times.renewDeadlineMs;
const PODS = ['a', 'b', 'c'];
const DISTURBED_MS = 120_000;

const KINDS = ['freeze', 'cut', 'deaf', 'label', 'delete', 'crash', 'leave'] as const;

interface Disturbance {
  kind: (typeof KINDS)[number] | 'jump' | 'suspend';
  atMs: number;
  pod: string;
  ms: number;
}

const disturbances = (other: Disturbance['kind']): fc.Arbitrary<Disturbance[]> =>
  fc.array(
    fc.record({
      kind: fc.constantFrom(...KINDS, other),
      atMs: fc.nat(DISTURBED_MS),
      pod: fc.constantFrom(...PODS),
      ms: fc.oneof(fc.nat(3000), fc.nat(40_000)),
    }),
    { maxLength: 14 },
  );

/** A machine that slept is found by its wall clock: not where that is set back in the same moment. */
const script = fc.oneof(disturbances('jump'), disturbances('suspend'));

function disturb(world: LeaseWorld, { kind, atMs, pod, ms }: Disturbance): void {
  world.at(atMs, () => {
    switch (kind) {
      case 'freeze':
        return void world.frozenMs.set(pod, world.nowMs + ms);
      case 'suspend':
        world.frozenMs.set(pod, world.nowMs + ms);
        return void world.suspendedMs.set(pod, (world.suspendedMs.get(pod) ?? 0) + ms);
      case 'cut':
        return void world.cutMs.set(pod, world.nowMs + ms);
      case 'deaf':
        return void world.deaf.add(pod);
      case 'jump':
        return void world.wallMs.set(pod, (ms - 20_000) * 100);
      case 'label':
        return world.edit((record) => record);
      case 'delete':
        return world.edit(() => undefined);
      case 'crash':
        return world.crash(pod, ms);
      case 'leave':
        return world.leave(pod, ms);
    }
  });
}

const settingWith = (...latenciesMs: number[]) =>
  fc.record({
    seed: fc.integer(),
    latencyMs: fc.constantFrom(...latenciesMs),
    rates: fc.array(fc.double({ min: 0.99, max: 1.01, noNaN: true }), { minLength: 3, maxLength: 3 }),
    isMissing: fc.boolean(),
  });
const setting = settingWith(5, 500, 3000);

async function play(
  { seed, latencyMs, rates, isMissing }: { seed: number; latencyMs: number; rates: number[]; isMissing: boolean },
  script: Disturbance[],
): Promise<LeaseWorld> {
  const world = new LeaseWorld({ times, random: randomOf(seed), latencyMs, writeMs: WINDOW_MS * 0.95 });
  if (isMissing) world.edit(() => undefined);
  PODS.forEach((pod, index) => {
    world.rate.set(pod, rates[index] ?? 1);
    world.start(pod);
  });
  for (const each of script) disturb(world, each);
  await world.run(DISTURBED_MS + 40_000);
  return world;
}

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const RUNS = { numRuns: Number(process.env['RUNS'] ?? 60) };

test('two never act at once, through frozen and killed processes, lost requests and answers, clocks that jump, a deleted Lease', async () => {
  expect.hasAssertions();
  await fc.assert(
    fc.asyncProperty(setting, script, async (given, steps) => {
      expect((await play(given, steps)).faults).toEqual([]);
    }),
    RUNS,
  );
}, 60_000);

test('once the trouble is over exactly one leads, and acts', async () => {
  expect.hasAssertions();
  await fc.assert(
    fc.asyncProperty(settingWith(5, 500), script, async (given, steps) => {
      const world = await play(given, steps);
      await world.run(world.nowMs + 40_000);
      expect(world.leaders()).toHaveLength(1);
      const { writes } = world;
      await world.run(world.nowMs + 10_000);
      expect(world.writes).toBeGreaterThan(writes);
    }),
    RUNS,
  );
}, 60_000);
