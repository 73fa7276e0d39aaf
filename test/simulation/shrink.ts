/** A failing history made short: without the actions that it fails without. */

import type { Action } from './actions.ts';
import { simulate, type Run } from './simulate.ts';

/** @returns the run with the fewest actions that still violates what the given one does. */
export function shrink(run: Run): Run {
  let shortest = run;
  for (let at = 0; at < shortest.actions.length;) {
    const fewer = shortest.actions.toSpliced(at, 1);
    const again = simulate(run.seed, { actions: fewer });
    if (again.violations.some(({ invariant }) => invariant === run.violations[0]?.invariant)) shortest = again;
    else at += 1;
  }
  return shortest;
}

/** One history as a person reads it. */
export function tell({ seed, release, actions, outcome, violations, told }: Run): string {
  const happened = actions.map(({ kind, afterMs }: Action) => `${kind} after ${afterMs} ms`);
  return [
    `seed ${seed}: ${JSON.stringify(release)}`,
    `  what happened: ${happened.length === 0 ? 'nothing' : happened.join(', ')}`,
    ...told.map(({ atMs, message }) => `  ${Math.round(atMs)} ms: ${message}`),
    `  end: ${JSON.stringify(outcome ?? 'none')}`,
    ...violations.map(({ invariant, atMs, detail }) => `  VIOLATED at ${Math.round(atMs)} ms: ${invariant}: ${detail}`),
  ].join('\n');
}
