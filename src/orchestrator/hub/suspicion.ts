/** What about the agents' comings a person should hear of. Pure. */

import type { HubLimits } from './hub-limits.ts';

export interface Visit {
  /** The agent's process. */
  instanceId: string;
  peer: string;
  atMs: number;
  /** The account's session before it was alive: it had just been heard. */
  takesOver: boolean;
}

/** Visits kept of one account; more within the time would tell nothing new. */
const KEPT = 16;

/** The account's visits with the newest one, without those that are too old to count. */
export function withVisit(visits: readonly Visit[], newest: Visit, { alternationMs }: HubLimits): Visit[] {
  return [...visits.filter((visit) => newest.atMs - visit.atMs <= alternationMs), newest].slice(-KEPT);
}

/** So often an agent ends a session of its own that lives, for reasons of the network. Two that share a name do it at each turn. */
const OWN_TAKEOVERS = 3;

/**
 * Whether two agents take one account from each other: the newest was there before, and another in between. An agent that is
 * restarted has a new instance each time, and does not come back as an older one. A thief may use the other's name: then it
 * is one that again and again comes anew while it is there.
 * @returns the other one.
 */
export function alternation(visits: readonly Visit[]): Visit | undefined {
  const newest = visits.at(-1);
  if (!newest) return undefined;
  const other = visits.findLast((visit) => visit.instanceId !== newest.instanceId);
  const before = other ? visits.slice(0, visits.indexOf(other)) : [];
  if (before.some((visit) => visit.instanceId === newest.instanceId)) return other;
  const own = visits.filter(({ instanceId, takesOver }) => takesOver && instanceId === newest.instanceId);
  return newest.takesOver && own.length > OWN_TAKEOVERS ? visits.at(-2) : undefined;
}

/** Refusals since a moment. */
export interface Refusals {
  count: number;
  sinceMs: number;
}

/** Counts one more; a quiet time begins the count anew. */
export function withRefusal(refusals: Refusals | undefined, nowMs: number, { refusalsWithinMs }: HubLimits): Refusals {
  if (!refusals || nowMs - refusals.sinceMs > refusalsWithinMs) return { count: 1, sinceMs: nowMs };
  return { ...refusals, count: refusals.count + 1 };
}
