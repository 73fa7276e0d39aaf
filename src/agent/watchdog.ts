/** Ends a process whose connect loop has stopped turning: an agent that is alive and never dials again helps nobody. */

import type { Clock } from '../shared/clock.ts';

const GRACE_MS = 120_000;
const LOOK_MS = 15_000;

/**
 * The loop says how long it may now be quiet; two minutes over that, `onStuck` is called once.
 * That the orchestrator cannot be reached is no reason: a loop that waits and tries is alive.
 */
export class Watchdog {
  #clock: Clock;
  #dueMs: number;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, onStuck: () => void) {
    this.#clock = clock;
    this.#dueMs = clock.now() + GRACE_MS;
    const look = (): void => {
      if (clock.now() > this.#dueMs) onStuck();
      else this.#cancel = clock.after(LOOK_MS, look);
    };
    this.#cancel = clock.after(LOOK_MS, look);
  }

  /** Quiet is fine for `ms` from now. */
  expect(ms: number): void {
    this.#dueMs = this.#clock.now() + ms + GRACE_MS;
  }

  stop(): void {
    this.#cancel();
  }
}
