/** How often something may happen: so many a second over time, and so many at once. Pure. */

export interface BucketRule {
  perSecond: number;
  /** At once, after a rest. */
  burst: number;
}

/** How much is left, as of a moment. */
export interface Bucket {
  tokens: number;
  atMs: number;
}

export interface Draw {
  bucket: Bucket;
  /** 0: taken. Otherwise nothing was, and there would be enough after this long. */
  waitMs: number;
}

/**
 * Takes one.
 * @param bucket undefined: nothing was taken yet.
 */
export function draw(bucket: Bucket | undefined, rule: BucketRule, nowMs: number): Draw {
  const { tokens } = filled(bucket, rule, nowMs);
  if (tokens >= 1) return { bucket: { tokens: tokens - 1, atMs: nowMs }, waitMs: 0 };
  return { bucket: { tokens, atMs: nowMs }, waitMs: Math.ceil(((1 - tokens) / rule.perSecond) * 1000) };
}

/** Puts some in, up to the burst. */
export function grant(bucket: Bucket | undefined, rule: BucketRule, nowMs: number, amount: number): Bucket {
  const { tokens } = filled(bucket, rule, nowMs);
  return { tokens: Math.min(rule.burst, tokens + amount), atMs: nowMs };
}

/** A clock that was set back fills nothing, and takes nothing away. */
function filled(bucket: Bucket | undefined, { perSecond, burst }: BucketRule, nowMs: number): Bucket {
  if (!bucket) return { tokens: burst, atMs: nowMs };
  const gained = (Math.max(0, nowMs - bucket.atMs) / 1000) * perSecond;
  return { tokens: Math.min(burst, bucket.tokens + gained), atMs: nowMs };
}
