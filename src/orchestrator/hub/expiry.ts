/** When an operation ends without its agent's word. Pure. */

/**
 * An operation that was sent may have been done, so its agent is given this long past the deadline to say so: enough to
 * come back after a cut, or for a call to the API server that was begun in time to end.
 */
export const GRACE_MS = 15_000;
/** One that a live session holds was begun in time and takes long (a deletion that waits): its session's heartbeats vouch for it, this long. */
export const HELD_MS = 10 * 60_000;

export interface ExpiryFacts {
  notAfterMs: number;
  /** When this process began: its agents need a moment to come back. */
  startedMs: number;
  /** It was sent at least once. */
  maySent: boolean;
  /** A live session has it. */
  isHeld: boolean;
}

/** @returns how it expired, or when to look again. */
export function expiry(
  { notAfterMs, startedMs, maySent, isHeld }: ExpiryFacts,
  nowMs: number,
): { expired: string } | { againInMs: number } {
  if (nowMs < notAfterMs) return { againInMs: notAfterMs - nowMs };
  if (!maySent)
    return { expired: 'no agent was connected that could have begun in time. Nothing was done. See: sluice agents' };
  const graceEndMs = Math.max(notAfterMs, startedMs) + GRACE_MS;
  if (nowMs < graceEndMs) return { againInMs: graceEndMs - nowMs };
  if (isHeld && nowMs < notAfterMs + HELD_MS) return { againInMs: GRACE_MS };
  return { expired: 'it was sent, and its agent has not said how it ended. It may have been done. See: sluice agents' };
}
