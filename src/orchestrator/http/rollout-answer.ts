/** A rollout's row as the API answers it. */

import type { z } from 'zod';
import type { RolloutRow } from '../store/rollouts.ts';
import type { rollout } from './answers.ts';

type Rollout = z.output<typeof rollout>;

/** The store keeps verdicts as the run gave them, as JSON without a type; writing the answer checks them. */
export function asAnswered(row: RolloutRow): Rollout {
  return { ...row, verdicts: row.verdicts as Rollout['verdicts'] };
}
