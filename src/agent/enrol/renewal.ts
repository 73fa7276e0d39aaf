/** When a certificate is renewed. Pure. */

/** Of its life, so that a third is left to find out why it is not. */
const PART = 2 / 3;
/** Earlier by up to this part of its life, so that agents installed together do not come together. */
const SPREAD = 1 / 20;
const RETRY = { part: 1 / 10, leastMs: 60_000, mostMs: 60 * 60_000 };

export interface Life {
  /** Both by the hub's clock. */
  issuedAtMs: number;
  endsAtMs: number;
}

/** @param random uniform in [0, 1). @returns by the hub's clock. */
export function renewalDueMs({ issuedAtMs, endsAtMs }: Life, random: () => number): number {
  const lifeMs = Math.max(0, endsAtMs - issuedAtMs);
  return issuedAtMs + lifeMs * (PART - SPREAD * random());
}

/** How long to wait after an attempt that failed: more often as the end comes near. @param nowMs by the hub's clock. */
export function renewalRetryMs({ endsAtMs }: Life, nowMs: number, random: () => number): number {
  const leftMs = Math.max(0, endsAtMs - nowMs);
  const waitMs = Math.min(RETRY.mostMs, Math.max(RETRY.leastMs, leftMs * RETRY.part));
  return waitMs * (1 + random() / 4);
}
