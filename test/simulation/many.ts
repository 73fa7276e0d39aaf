/** Many runs, counted. */

import { shrink, tell } from './shrink.ts';
import { simulate } from './simulate.ts';

export interface Tally {
  seed: number;
  runs: number;
  /** Events of the simulated clocks, together. */
  steps: number;
  violations: number;
  /** Runs that each kind of action took part in; `none`: it was left alone. */
  kinds: Record<string, number>;
  outcomes: Record<string, number>;
  /** Of the first few failing runs, the shortest history. */
  failures: string[];
}

/** How many failing runs are told. */
const TOLD = 5;

/** @param seed of the first run; the others count up from it. */
export function simulateMany(seed: number, runs: number): Tally {
  const tally: Tally = { seed, runs, steps: 0, violations: 0, kinds: {}, outcomes: {}, failures: [] };
  for (let at = 0; at < runs; at++) {
    const run = simulate(seed + at);
    tally.steps += run.steps;
    const kinds = run.actions.length === 0 ? ['none'] : new Set(run.actions.map(({ kind }) => kind));
    for (const kind of kinds) tally.kinds[kind] = (tally.kinds[kind] ?? 0) + 1;
    const outcome = run.outcome?.state ?? 'stalled';
    tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1;
    if (run.violations.length === 0) continue;
    tally.violations += 1;
    if (tally.failures.length < TOLD) tally.failures.push(tell(shrink(run)));
  }
  return tally;
}
