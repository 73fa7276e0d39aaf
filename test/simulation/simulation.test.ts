/** The rollout core against a model of a cluster, many times over: whatever happens to a run, no invariant is violated. */

import { expect, test } from 'vitest';
import { figures } from '../support/long-run.ts';
import { seed } from '../support/seed.ts';
import { KIND_NAMES } from './actions.ts';
import { simulateMany } from './many.ts';
import { simulate } from './simulate.ts';

/** `SIMULATION_RUNS=n` tries more. */
const runs = Number(process.env['SIMULATION_RUNS'] ?? 2_000);

test(`${runs} runs from seed ${seed} on violate no invariant, whatever happens to them`, { timeout: 1_800_000 }, () => {
  const { failures, ...tally } = simulateMany(seed, runs);
  figures('simulation', { ...tally });
  expect(failures).toEqual([]);
  // None of it is idle: every kind of action took part, and every end was come to.
  expect(Object.keys(tally.kinds).toSorted()).toEqual([...KIND_NAMES, 'none'].toSorted());
  expect(Object.keys(tally.outcomes)).toEqual(expect.arrayContaining(['succeeded', 'rolledBack', 'failed']));
});

test('a run repeats with its seed', () => {
  for (const each of [seed, seed + 1, seed + 2]) {
    const [one, other] = [simulate(each), simulate(each)];
    expect(JSON.stringify(other)).toBe(JSON.stringify(one));
  }
});
