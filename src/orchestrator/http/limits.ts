/** How much one caller may ask: so many requests a second, so many wrong tokens a minute, so many streams at once. */

import type { Clock } from '../../shared/clock.ts';
import { draw, type Bucket, type BucketRule } from '../../shared/token-bucket.ts';
import { HttpError } from './errors.ts';

/** A page and a pipeline ask a few times a second. */
export const REQUESTS: BucketRule = { perSecond: 50, burst: 200 };
/** Each has a row in the audit, also when it is refused: this is how much a token can write there. */
export const CHANGES: BucketRule = { perSecond: 5, burst: 100 };
/** Of one address. A token has 256 bits, so this is for the log and the processor; who has a right one is let in all the same. */
export const WRONG_TOKENS: BucketRule = { perSecond: 1 / 6, burst: 10 };
/** Of one token. */
export const STREAMS = 100;

/** Whose bucket is full again needs none; looked for when there are so many. */
const MANY = 10_000;

/** One bucket for each name. */
export class Limiter {
  readonly #rule: BucketRule;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rule: BucketRule, clock: Clock) {
    this.#rule = rule;
    this.#clock = clock;
  }

  /** Takes one. @returns 0, or the milliseconds after which there is one again. */
  take(name: string): number {
    const nowMs = this.#clock.now();
    const { bucket, waitMs } = draw(this.#buckets.get(name), this.#rule, nowMs);
    this.#buckets.set(name, bucket);
    if (this.#buckets.size > MANY) this.#forgetRested(nowMs);
    return waitMs;
  }

  #forgetRested(nowMs: number): void {
    const { perSecond, burst } = this.#rule;
    const restMs = (burst / perSecond) * 1_000;
    for (const [name, { atMs }] of this.#buckets) if (nowMs - atMs > restMs) this.#buckets.delete(name);
    // Of more addresses than that in this time none is known any more.
    if (this.#buckets.size > MANY) this.#buckets.clear();
  }
}

/** Open streams by token. */
export class StreamCount {
  readonly #open = new Map<string, number>();

  /** @returns the way to give it back. @throws HttpError TOO_MANY_STREAMS (429). */
  take(name: string): () => void {
    const open = this.#open.get(name) ?? 0;
    if (open >= STREAMS) {
      throw new HttpError(
        429,
        'TOO_MANY_STREAMS',
        `Token ${name} has ${STREAMS} streams open already, and may have no more: close some, such as a sluice watch that nobody looks at.`,
      );
    }
    this.#open.set(name, open + 1);
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      const left = (this.#open.get(name) ?? 1) - 1;
      if (left === 0) this.#open.delete(name);
      else this.#open.set(name, left);
    };
  }
}
