/** How the hub takes agents that all come at once: some now, and each of the others when its turn comes. Pure. */

import { draw } from '../../shared/token-bucket.ts';
import type { Bucket } from '../../shared/token-bucket.ts';
import type { HubLimits } from './hub-limits.ts';

export interface Handshakes {
  bucket: Bucket | undefined;
  /** The last turn that was given to an agent. */
  turnMs: number;
}

export interface Knock {
  handshakes: Handshakes;
  /** 0: taken. Otherwise the agent is refused, and comes again after this long. */
  retryAfterMs: number;
}

type Limits = Pick<HubLimits, 'handshakes' | 'longestTurnMs'>;

/** Below that, the agent's new connection would cost more than the wait spares. */
const SOONEST_TURN_MS = 1000;

export const NO_HANDSHAKES: Handshakes = { bucket: undefined, turnMs: 0 };

/** An agent begins a stream. @param random uniform in [0, 1). */
export function knock(before: Handshakes, limits: Limits, nowMs: number, random: () => number): Knock {
  const { bucket, waitMs } = draw(before.bucket, limits.handshakes, nowMs);
  const handshakes = { ...before, bucket };
  return waitMs === 0 ? { handshakes, retryAfterMs: 0 } : giveTurn(handshakes, limits, nowMs, random);
}

/**
 * The next turn that nobody has: turns follow each other at the rate of the handshakes, so the wait grows with the agents
 * that wait already, and a storm of n agents costs fewer than 2 n connections. With waits at random over 10 s, 5,000 agents
 * made 10,700, one was refused six times, and a hub without its database was kept busy by handshakes alone (simulated in
 * storm.test.ts). Agents come up to a quarter later than they are told, which leaves room for new ones.
 */
export function giveTurn(before: Handshakes, limits: Limits, nowMs: number, random: () => number): Knock {
  const { handshakes: rule, longestTurnMs } = limits;
  // A clock that was set back must not keep agents away.
  const lastMs = before.turnMs > nowMs + longestTurnMs ? 0 : before.turnMs;
  const turnMs = Math.max(lastMs, nowMs + SOONEST_TURN_MS) + 1000 / rule.perSecond;
  const waitMs = Math.ceil(turnMs - nowMs);
  if (waitMs <= longestTurnMs) return { handshakes: { ...before, turnMs }, retryAfterMs: waitMs };
  return { handshakes: { ...before, turnMs: lastMs }, retryAfterMs: Math.ceil((longestTurnMs * (1 + random())) / 2) };
}

/** Part of the rate for agents that were sent away. The rest is for those that found the next hub not yet there. */
const RETURN_SHARE = 0.8;

/** Over how long agents that are all sent away come back, so that the next hub can take nearly each at its first try. */
export function returnSpreadMs(agents: number, { handshakes, longestTurnMs }: Limits, leastMs: number): number {
  return Math.max(leastMs, Math.min(longestTurnMs, Math.ceil((agents * 1000) / (handshakes.perSecond * RETURN_SHARE))));
}
