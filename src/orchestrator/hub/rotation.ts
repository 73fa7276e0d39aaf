/** When a connection that has become old is ended on purpose. Pure. */

import type { HubLimits } from './hub-limits.ts';

export interface RotationFacts {
  /** When it has become old. */
  dueMs: number;
  /** Operations its agent holds. */
  inFlight: number;
}

/** `stay`: take operations; `drain`: take no more of them; `go`: end it. */
export type Rotation = { kind: 'stay' | 'drain'; againInMs: number } | { kind: 'go' };

/** How old this connection may become. @param random uniform in [0, 1). */
export function sessionAge({ sessionAgeMs, sessionAgeSpread }: HubLimits, random: () => number): number {
  return sessionAgeMs * (1 + sessionAgeSpread * (2 * random() - 1));
}

/**
 * A moment without operations is the best one to go, and mostly there is one soon: nothing waits then. Only where there is
 * none for minutes are operations held back, for a moment.
 */
export function rotation(
  { dueMs, inFlight }: RotationFacts,
  { rotationPatienceMs, rotationDrainMs }: HubLimits,
  nowMs: number,
): Rotation {
  if (nowMs < dueMs) return { kind: 'stay', againInMs: dueMs - nowMs };
  if (inFlight === 0) return { kind: 'go' };
  const drainMs = dueMs + rotationPatienceMs;
  if (nowMs < drainMs) return { kind: 'stay', againInMs: drainMs - nowMs };
  const endMs = drainMs + rotationDrainMs;
  return nowMs < endMs ? { kind: 'drain', againInMs: endMs - nowMs } : { kind: 'go' };
}
