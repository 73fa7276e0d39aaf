/** How long to wait before the next attempt: full jitter, so that a fleet that lost its server does not come back as a herd. */

export interface BackoffOptions {
  baseMs: number;
  capMs: number;
}

/**
 * Full jitter: uniform in [0, min(cap, base * 2^attempt)).
 * The cap jitters as well: a herd that reached it stays spread.
 * @param attempt 0 for the first retry.
 * @param random uniform in [0, 1).
 * @returns whole milliseconds.
 */
export function nextDelay(attempt: number, options: BackoffOptions, random: () => number = Math.random): number {
  // 2^30 is past every cap we use; without the bound a long outage overflows to Infinity.
  const ceiling = Math.min(options.capMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random() * ceiling);
}
