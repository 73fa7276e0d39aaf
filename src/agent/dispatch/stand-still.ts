/** Notices that the whole process stood still (stopped, suspended, starved): what was looked at before is old news then. */

import type { Clock } from '../../shared/clock.ts';

const BEAT_MS = 1000;
/** Another agent may have taken over meanwhile, and have done what comes after. */
const LONG_MS = 4000;

export class StandStill {
  #clock: Clock;
  #lastMs: number;
  #endedMs = -Infinity;
  #cancel: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastMs = clock.now();
    this.#beat();
  }

  /** Whether one has ended since. @param ms by the clock. */
  wasSince(ms: number): boolean {
    this.#look();
    return this.#endedMs > ms;
  }

  stop(): void {
    this.#cancel();
  }

  #beat(): void {
    this.#look();
    this.#cancel = this.#clock.after(BEAT_MS, () => this.#beat());
  }

  #look(): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#lastMs > LONG_MS) this.#endedMs = nowMs;
    this.#lastMs = nowMs;
  }
}
