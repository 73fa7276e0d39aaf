/** Time as a test wants it. */

import type { Clock } from '../../src/shared/clock.ts';

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #timers: { atMs: number; callback: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, callback };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((each) => each !== timer));
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    const due = this.#timers.filter((each) => each.atMs <= this.#nowMs);
    this.#timers = this.#timers.filter((each) => each.atMs > this.#nowMs);
    for (const each of due) each.callback();
  }
}
