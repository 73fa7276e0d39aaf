/** The orchestrator's clock as the agent knows it: deadlines are told by it, and ours may be wrong by minutes. */

/**
 * The hub said its time somewhere between our question and its answer. The question's moment counts: then the hub is at most
 * as far as we believe, and nothing is begun past its deadline, however long the answer was on its way.
 */
export class HubClock {
  #now: () => number;
  #skewMs = 0;

  /** @param now our clock, in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * A session began: what was heard of another hub counts no more.
   * @param askedAtMs by our clock: the hub had not answered yet.
   */
  begin(hubTimeMs: number, askedAtMs: number): void {
    this.#skewMs = hubTimeMs - askedAtMs;
  }

  /** The hub said what time it is, some while ago: it is at least that far. */
  hear(hubTimeMs: number): void {
    this.#skewMs = Math.max(this.#skewMs, hubTimeMs - this.#now());
  }

  /** How far the hub's clock is ahead of ours at most; 0 before the first session. */
  get skewMs(): number {
    return this.#skewMs;
  }

  /** The hub's time. */
  now(): number {
    return this.#now() + this.#skewMs;
  }
}
