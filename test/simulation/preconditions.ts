/** The agent's test of an order: it holds only over what was seen. */

import type { Change } from '../../src/orchestrator/rollout/model.ts';
import { isSameJson } from '../../src/orchestrator/plan/merge-patch.ts';
import type { Fields } from '../../src/protocol/records.ts';

export function isAsSeen({ field, from }: Change, fields: Fields): boolean {
  return isSameJson(fields[field] ?? null, from);
}
