/** Lets news through at once while they are few, and gathers them for a moment when they come thick; bad news never wait. */

import type { Clock } from '../../shared/clock.ts';

/** A rollout's events come in small bursts (a pod turns ready, its EndpointSlice follows): those are not to be slowed down. */
const BURST = 10;
/** The pace beyond a burst: a thousand pods that start give twenty pictures a second, not a thousand. */
const PACE_MS = 50;

export class Throttle {
  #clock: Clock;
  #emit: () => void;
  #tokens = BURST;
  #refilledMs: number;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, emit: () => void) {
    this.#clock = clock;
    this.#emit = emit;
    this.#refilledMs = clock.now();
  }

  /** @param isUrgent a turn for the worse. */
  ring(isUrgent: boolean): void {
    this.#refill();
    if (isUrgent || this.#tokens > 0) this.#fire();
    else {
      this.#cancel ??= this.#clock.after(PACE_MS, () => this.#fire());
    }
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #fire(): void {
    this.stop();
    this.#refill();
    this.#tokens = Math.max(0, this.#tokens - 1);
    this.#emit();
  }

  #refill(): void {
    const now = this.#clock.now();
    const earned = Math.floor((now - this.#refilledMs) / PACE_MS);
    if (earned <= 0) return;
    this.#tokens = Math.min(BURST, this.#tokens + earned);
    this.#refilledMs += earned * PACE_MS;
  }
}
