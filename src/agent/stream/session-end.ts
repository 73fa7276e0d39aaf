/** Why a session ended, and from that when to try the next. Pure. */

import { nextDelay } from '../../shared/backoff.ts';

/**
 * `stopped`: we closed it. `goAway`: the hub asked us to come back later. `refused`: it did not take us.
 * `lost`: everything else; `code` is a gRPC status or one of CLOSED, SILENT, STALLED, NO_WELCOME,
 * STALE_EPOCH, PROTOCOL, CREDENTIAL.
 */
export type SessionEnd = {
  /** How long the session ran after Welcome; absent if there was none. */ welcomedForMs?: number;
} & (
  | { kind: 'stopped' }
  | { kind: 'goAway'; reason: string; afterMs: number; spreadMs: number }
  | { kind: 'refused'; code: string; message: string; retryAfterMs: number }
  | { kind: 'lost'; code: string; message: string }
);

export interface NextAttempt {
  delayMs: number;
  /** To pass in the next time. */
  failures: number;
}

export interface Urgency {
  /** The longest wait of its own choosing; the hub's word and a credential's fault are waited out whatever it is. */
  mostMs: number;
  /** Something is watched: a rollout is under way. */
  isUrgent: boolean;
}

/** A session that ran this long was a real one: what follows is a new outage. A hub that takes us and fails is not hammered. */
const HEALTHY_MS = 60_000;
/** An orchestrator that restarts is away for seconds: the first attempts come often. */
const QUICK = { attempts: 8, baseMs: 250, capMs: 1000 };
/** Still more so with a rollout under way, of which few agents of a fleet have one: it is to go on within a second. */
const URGENT = { attempts: 12, baseMs: 100, capMs: 400 };
const SLOW = { baseMs: 1000, capMs: Infinity };
/** What no attempt of ours will change soon: a person has to. */
const CREDENTIAL_MS = 30_000;
const REFUSED_MS: Record<string, number> = {
  VERSION: 300_000,
  FENCED: 60_000,
  LIMIT: 60_000,
  UNAUTHENTICATED: CREDENTIAL_MS,
};

/**
 * @param failures what the last call returned; 0 at first.
 * @param random uniform in [0, 1).
 */
export function nextAttempt(
  end: SessionEnd,
  failures: number,
  random: () => number,
  { mostMs, isUrgent }: Urgency,
): NextAttempt {
  switch (end.kind) {
    case 'stopped':
      return { delayMs: 0, failures: 0 };
    case 'goAway':
      return { delayMs: end.afterMs + Math.floor(random() * end.spreadMs), failures: 0 };
    case 'refused': {
      const waitMs = end.retryAfterMs || REFUSED_MS[end.code];
      // From 100 to 125 %: never before the hub wants it, and not all together.
      if (waitMs) return { delayMs: Math.floor(waitMs * (1 + random() / 4)), failures: failures + 1 };
      break;
    }
    case 'lost':
      if (end.code === 'UNAUTHENTICATED' || end.code === 'PERMISSION_DENIED' || end.code === 'CREDENTIAL') {
        return { delayMs: Math.floor(CREDENTIAL_MS * (1 + random() / 4)), failures: failures + 1 };
      }
      break;
  }
  const since = (end.welcomedForMs ?? 0) >= HEALTHY_MS ? 0 : failures;
  const quick = isUrgent ? URGENT : QUICK;
  const isQuick = since < quick.attempts;
  const { baseMs, capMs } = isQuick ? quick : SLOW;
  const schedule = { baseMs, capMs: Math.min(capMs, mostMs) };
  const delayMs = nextDelay(isQuick ? since : since - quick.attempts, schedule, random);
  return { delayMs, failures: since + 1 };
}
