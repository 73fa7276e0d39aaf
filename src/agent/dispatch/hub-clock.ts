/** The orchestrator's clock as the agent knows it: deadlines are told by it, and ours may be wrong by minutes. */

/**
 * What is heard is late by the way it took, so the truth is at least the largest difference heard; only the last few count,
 * since either clock may be set back.
 */
export class HubClock {
  static readonly #KEPT = 4;
  #now: () => number;
  /** Hub's clock minus ours, newest last. */
  #offsetsMs: number[] = [];

  /** @param now our clock, in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A session began: what was heard of another hub counts no more. */
  begin(hubTimeMs: number): void {
    this.#offsetsMs = [hubTimeMs - this.#now()];
  }

  /** The hub said what time it is. */
  hear(hubTimeMs: number): void {
    this.#offsetsMs.push(hubTimeMs - this.#now());
    if (this.#offsetsMs.length > HubClock.#KEPT) this.#offsetsMs.shift();
  }

  /** How far the hub's clock is ahead of ours; 0 before the first session. */
  get skewMs(): number {
    return this.#offsetsMs.length === 0 ? 0 : Math.max(...this.#offsetsMs);
  }

  /** The hub's time. */
  now(): number {
    return this.#now() + this.skewMs;
  }
}
