/** When to try the next session, from how the last one ended and what was lost before it. Pure. */

import { nextDelay } from '../../shared/backoff.ts';
import type { SessionEnd } from './session-end.ts';

/** Ends and failed attempts with no healthy session between them. The start of the agent begins the first series. */
export interface Losses {
  /** Attempts are quick until then. */
  quickUntilMs: number;
  /** Failures after that. */
  failures: number;
}

export interface NextAttempt {
  delayMs: number;
  /** To pass in the next time. */
  losses: Losses | undefined;
}

export interface Circumstances {
  nowMs: number;
  /** Uniform in [0, 1). */
  random: () => number;
  /** The longest wait the agent chooses itself. What the hub asks for, or a credential needs, may be longer. */
  mostMs: number;
  /** A rollout is under way. */
  isUrgent: boolean;
}

/**
 * A session that lived this long after Welcome was healthy: its end begins a new series, whatever came before. A heartbeat
 * proves less, because both sides send the first one at Welcome. A hub that crashes sooner each time is backed off from.
 */
const HEALTHY_MS = 10_000;
/** An orchestrator that restarts is away for seconds. While nobody listens, an attempt costs nothing; a hub in a storm sends hints. */
const QUICK_FOR_MS = 30_000;
const QUICK = { leastMs: 200, mostMs: 1000 };
/** Few agents of a fleet have a rollout under way, and it should continue within a second of the orchestrator's return. */
const URGENT = { leastMs: 200, mostMs: 400 };
const SLOW_BASE_MS = 1000;
/** For what a person must change first. */
const CREDENTIAL_MS = 30_000;
const CREDENTIAL_CODES = new Set(['UNAUTHENTICATED', 'PERMISSION_DENIED', 'CREDENTIAL']);
const REFUSED_MS: Record<string, number> = {
  VERSION: 300_000,
  FENCED: 60_000,
  LIMIT: 60_000,
  UNAUTHENTICATED: CREDENTIAL_MS,
};

/** @param losses what the last call returned; undefined at first. */
export function nextAttempt(end: SessionEnd, losses: Losses | undefined, now: Circumstances): NextAttempt {
  if (end.kind === 'stopped') return { delayMs: 0, losses: undefined };
  const wasHealthy = (end.welcomedForMs ?? 0) >= HEALTHY_MS;
  const series = losses && !wasHealthy ? losses : { quickUntilMs: now.nowMs + QUICK_FOR_MS, failures: 0 };
  const hintMs = hintOf(end, now.random);
  if (hintMs === undefined) return ownDelay(series, now);
  // Sessions that the hub itself ends, again and again, soon after Welcome: its word alone would make a tight loop.
  const isFlapping = end.kind === 'goAway' && !wasHealthy;
  const own = isFlapping ? ownDelay(series, now) : { delayMs: 0, losses: series };
  // The half minute is for attempts: a wait that was asked for uses none of it.
  const quickUntilMs = own.losses.quickUntilMs + hintMs;
  return { delayMs: Math.max(hintMs, own.delayMs), losses: { ...own.losses, quickUntilMs } };
}

/** The wait that the end itself asks for. */
function hintOf(end: SessionEnd, random: () => number): number | undefined {
  if (end.kind === 'goAway') return end.afterMs + Math.floor(random() * end.spreadMs);
  let waitMs: number | undefined;
  if (end.kind === 'refused') waitMs = end.retryAfterMs || REFUSED_MS[end.code];
  if (end.kind === 'lost' && CREDENTIAL_CODES.has(end.code)) waitMs = CREDENTIAL_MS;
  // From 100 to 125 %: never before the hub wants it, and not all together.
  return waitMs === undefined ? undefined : Math.floor(waitMs * (1 + random() / 4));
}

function ownDelay(
  series: Losses,
  { nowMs, random, mostMs, isUrgent }: Circumstances,
): { delayMs: number; losses: Losses } {
  if (nowMs < series.quickUntilMs) {
    const quick = isUrgent ? URGENT : QUICK;
    const scale = Math.min(1, mostMs / quick.mostMs);
    const delayMs = Math.floor((quick.leastMs + random() * (quick.mostMs - quick.leastMs)) * scale);
    return { delayMs, losses: series };
  }
  const delayMs = nextDelay(series.failures, { baseMs: SLOW_BASE_MS, capMs: mostMs }, random);
  return { delayMs, losses: { ...series, failures: series.failures + 1 } };
}
