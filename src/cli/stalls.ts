/** Which targets of a deployment are stalled, as its stream tells it. Pure. */

import type { StreamedRollout } from './follow.ts';

export interface Stall {
  target: string;
  reason: string;
  /** Milliseconds, when it was first seen. */
  sinceMs: number;
  /** How far it was: a stall ends when it gets further. */
  progress: string;
}

/** By the rollout's id. */
export type Stalls = ReadonlyMap<string, Stall>;

/**
 * Takes in a rollout as it is now. A stalled one tries again by itself, and is `running` for the time of each try: that is
 * the same stall, until it gets further or ends.
 * @returns the same map when nothing changed.
 */
export function stallsAfter(stalls: Stalls, rollout: StreamedRollout, nowMs: number): Stalls {
  const { id, target, state, reason } = rollout;
  const known = stalls.get(id);
  const progress = progressOf(rollout);
  if (state === 'stalled') {
    if (known?.progress === progress) return stalls;
    return new Map([...stalls, [id, { target, reason: reason ?? 'no reason given', sinceMs: nowMs, progress }]]);
  }
  if (known === undefined || (state === 'running' && known.progress === progress)) return stalls;
  return new Map([...stalls].filter(([other]) => other !== id));
}

function progressOf({ phase, step, weight }: StreamedRollout): string {
  return `${phase} ${step} ${weight}`;
}

/** What is new in `after`. */
export function newStalls(before: Stalls, after: Stalls): Stall[] {
  return [...after].filter(([id, stall]) => before.get(id) !== stall).map(([, stall]) => stall);
}

/** When the oldest has lasted `graceMs`; undefined without one. */
export function patienceEndsMs(stalls: Stalls, graceMs: number): number | undefined {
  const since = [...stalls.values()].map(({ sinceMs }) => sinceMs);
  return since.length === 0 ? undefined : Math.min(...since) + graceMs;
}
