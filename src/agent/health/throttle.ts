/**
 * When a watch's next snapshot goes out: urgent news at once, the rest at most every 250 ms, and all of it bounded.
 *
 * - Calm news (a pod that starts, a count that moves) go at once if no snapshot went for 250 ms, else when 250 ms are over: at
 *   most 4 a second, however many pods there are. A snapshot is complete, so whichever goes carries what waits as well.
 * - Urgent news (urgency.ts) do not wait, and cost a token. `pods`: a turn for the worse, and what a run waits for; 40 tokens,
 *   one more every 100 ms, so that a thousand pods that flap get 10 a second and no news is older than 100 ms.
 *   `traffic`: weights and Services, which change when Sluice writes them and waits to read them back; 100 tokens, one more
 *   every 10 ms. A step without a pause takes about four, and there may be 99 of them: none waits longer than 10 ms.
 *
 * In any T seconds: at most 40 + 10 T for pods, 100 + 100 T for traffic, which a run or a person must write, and 4 T calm ones.
 * The guard (guard/) acts on the events themselves and waits for none of this.
 */

import type { Clock } from '../../shared/clock.ts';
import { draw } from '../../shared/token-bucket.ts';
import type { Bucket, BucketRule } from '../../shared/token-bucket.ts';
import type { Urgency } from './urgency.ts';

const PACE_MS = 250;
type Bounded = Exclude<Urgency, 'none'>;
const BOUNDS: Record<Bounded, BucketRule> = {
  pods: { burst: 40, perSecond: 10 },
  traffic: { burst: 100, perSecond: 100 },
};

export class Throttle {
  #clock: Clock;
  #emit: () => void;
  #buckets: Partial<Record<Bounded, Bucket>> = {};
  #emittedMs = Number.NEGATIVE_INFINITY;
  #due: { atMs: number; cancel: () => void } | undefined;

  constructor(clock: Clock, emit: () => void) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** There are news. */
  ring(urgency: Urgency): void {
    const now = this.#clock.now();
    // A clock that was set back must not silence a watch.
    if (now < this.#emittedMs) this.#emittedMs = now;
    const paceMs = this.#emittedMs + PACE_MS;
    if (now >= paceMs) return this.#fire(now);
    if (urgency === 'none') return this.#wait(now, paceMs);
    const waitMs = this.#take(urgency, now);
    if (waitMs === 0) return this.#fire(now);
    this.#wait(now, Math.min(paceMs, now + waitMs), urgency);
  }

  stop(): void {
    this.#due?.cancel();
    this.#due = undefined;
  }

  /** The sooner of two reasons to wait counts. @param urgency whose token it waits for. */
  #wait(now: number, atMs: number, urgency?: Bounded): void {
    if (this.#due && this.#due.atMs <= atMs) return;
    this.stop();
    const cancel = this.#clock.after(atMs - now, () => {
      const at = this.#clock.now();
      if (urgency) this.#take(urgency, at);
      this.#fire(at);
    });
    this.#due = { atMs, cancel };
  }

  /** @returns after how many ms there is a token; 0: one was taken. */
  #take(urgency: Bounded, now: number): number {
    const { bucket, waitMs } = draw(this.#buckets[urgency], BOUNDS[urgency], now);
    this.#buckets[urgency] = bucket;
    return waitMs;
  }

  #fire(now: number): void {
    this.stop();
    this.#emittedMs = now;
    this.#emit();
  }
}
