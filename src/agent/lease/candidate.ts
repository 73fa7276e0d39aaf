/** Who may lead: what a candidate makes of the Lease it reads, and how long a leader may act. Pure. */

/** How long what holds. `leaseMs` - `renewDeadlineMs` is the safety window: what a leader sent last has ended before another begins. */
export interface LeaseTimes {
  /** Unchanged for so long, as seen by the candidate, a Lease is free. */
  leaseMs: number;
  /** So long after it sent its last renewal that was stored, a leader acts. */
  renewDeadlineMs: number;
  /** Between two renewals, and between two tries after a failure. */
  retryMs: number;
}

/** The proportions of Kubernetes' own components: 15, 10 and 2 seconds. */
export function leaseTimes(leaseMs: number): LeaseTimes {
  return { leaseMs, renewDeadlineMs: (leaseMs * 2) / 3, retryMs: (leaseMs * 2) / 15 };
}

/** A Lease as Sluice reads it. */
export interface LeaseRecord {
  /** Changes with every write. */
  version: string;
  /** Empty: nobody. */
  holder: string;
  /** What the holder promised; 0: nothing. */
  leaseMs: number;
  /** Empty: it was never held. A text of the holder's clock, compared with nothing. */
  renewTime: string;
  acquireTime: string;
  transitions: number;
}

/** What a candidate knows; all times by its own clock that never jumps. */
export interface Seen {
  /** Undefined: there is no such Lease. */
  record: LeaseRecord | undefined;
  /** Until then somebody else may be acting. */
  busyUntilMs: number;
}

/** `pod_process`: who finds the same pod before its name knows that the process there has ended. */
export interface Identity {
  pod: string;
  id: string;
}

/** @param instance of the process, anew at each start. */
export function identityOf(pod: string, instance: string): Identity {
  return { pod, id: `${pod}_${instance}` };
}

/** Holds a Lease that a candidate made: the leader of one that was deleted claims it, all others wait until it has run out. */
export const UNHELD = '_';

/** The pod of a holder, for people; empty: none. */
export function podOf(holder: string): string {
  return holder.split('_')[0] ?? holder;
}

/** Takes in what was read. Only a change of the Lease counts, and only when it was seen: no clock of another machine is read. */
export function observe(
  previous: Seen | undefined,
  record: LeaseRecord | undefined,
  self: Identity,
  nowMs: number,
  times: LeaseTimes,
): Seen {
  if (previous && previous.record?.version === record?.version) return previous;
  // The next move is to make one, which gives no right to act.
  if (!record) return { record, busyUntilMs: 0 };
  const aLeaseOn = nowMs + Math.max(times.leaseMs, record.leaseMs);
  // Of a chart, or a person: made for the first time, or under a leader that may not know yet that its own was deleted.
  if (isPristine(record)) return { record, busyUntilMs: previous ? aLeaseOn : 0 };
  // Given back, or of this pod: whoever held it has ended.
  if (record.holder === '' || podOf(record.holder) === self.pod) return { record, busyUntilMs: 0 };
  return { record, busyUntilMs: aLeaseOn };
}

export type Move = { kind: 'take' } | { kind: 'wait'; ms: number };

/** What a candidate does now. It takes the Lease only as it has seen it: a write of anybody else's in between makes it look again. */
export function nextMove({ busyUntilMs }: Seen, nowMs: number): Move {
  return nowMs >= busyUntilMs ? { kind: 'take' } : { kind: 'wait', ms: busyUntilMs - nowMs };
}

/** Whether a leader that finds this in place of what it wrote still leads: its own, or one that nobody has held since. */
export function isStillOurs(record: LeaseRecord | undefined, self: Identity): boolean {
  return !record || isPristine(record) || record.holder === UNHELD || record.holder === self.id;
}

/** As a chart makes it, or a person. */
function isPristine({ holder, renewTime }: LeaseRecord): boolean {
  return holder === '' && renewTime === '';
}

/** Milliseconds since the last renewal was sent, by a clock that stops with the machine and by one that does not. */
export interface SinceRenewal {
  monotonicMs: number;
  wallMs: number;
}

/** How much longer a leader may act; 0: it must not. A machine that was suspended is found by the wall clock alone. */
export function remainingMs({ monotonicMs, wallMs }: SinceRenewal, { renewDeadlineMs }: LeaseTimes): number {
  return Math.max(0, renewDeadlineMs - Math.max(monotonicMs, wallMs));
}
