/**
 * When a watch's next snapshot goes out: urgent news at once, the rest at most every 250 ms, and both bounded.
 *
 * - Calm news (a pod that starts, a count that moves) go at once if no snapshot went for 250 ms, else when 250 ms are over: at
 *   most 4 a second, however many pods there are. A snapshot is complete, so whichever goes carries what waits as well.
 * - Urgent news (urgency.ts: a turn for the worse, and what a run waits for) do not wait, and cost a token. There are 40, one
 *   more every 100 ms: a step without a pause takes about five (split, route, its status, profile, slice), so a canary of
 *   eight steps never sees the bound; a thousand pods that flap get 10 a second, the news at most 100 ms old.
 * In any T seconds: at most 40 + 10 T urgent ones and 4 T calm ones. The guard (guard/) acts on the events themselves and waits for none of this.
 */

import type { Clock } from '../../shared/clock.ts';

const PACE_MS = 250;
const URGENT_BURST = 40;
const URGENT_REFILL_MS = 100;

export class Throttle {
  #clock: Clock;
  #emit: () => void;
  #tokens = URGENT_BURST;
  #refilledMs: number;
  #emittedMs = Number.NEGATIVE_INFINITY;
  #due: { atMs: number; cancel: () => void } | undefined;

  constructor(clock: Clock, emit: () => void) {
    this.#clock = clock;
    this.#emit = emit;
    this.#refilledMs = clock.now();
  }

  /** There are news. @param isUrgent as urgency.ts has it. */
  ring(isUrgent: boolean): void {
    const now = this.#clock.now();
    // A clock that was set back must not silence a watch.
    if (now < this.#emittedMs) this.#emittedMs = now;
    if (now >= this.#emittedMs + PACE_MS) return this.#fire(now);
    if (!isUrgent) return this.#wait(now, this.#emittedMs + PACE_MS);
    this.#refill(now);
    if (this.#tokens === 0)
      return this.#wait(now, Math.min(this.#refilledMs + URGENT_REFILL_MS, now + URGENT_REFILL_MS));
    this.#tokens -= 1;
    this.#fire(now);
  }

  stop(): void {
    this.#due?.cancel();
    this.#due = undefined;
  }

  /** The sooner of two reasons to wait counts. */
  #wait(now: number, atMs: number): void {
    if (this.#due && this.#due.atMs <= atMs) return;
    this.stop();
    const cancel = this.#clock.after(atMs - now, () => {
      const at = this.#clock.now();
      this.#refill(at);
      // It waited for a token, or needs none: the pace was kept.
      if (at < this.#emittedMs + PACE_MS && this.#tokens > 0) this.#tokens -= 1;
      this.#fire(at);
    });
    this.#due = { atMs, cancel };
  }

  #fire(now: number): void {
    this.stop();
    this.#emittedMs = now;
    this.#emit();
  }

  #refill(now: number): void {
    const earned = Math.floor((now - this.#refilledMs) / URGENT_REFILL_MS);
    if (earned === 0) return;
    this.#tokens = Math.min(URGENT_BURST, this.#tokens + Math.max(0, earned));
    this.#refilledMs = earned > 0 ? this.#refilledMs + earned * URGENT_REFILL_MS : now;
  }
}
