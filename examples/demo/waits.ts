/** Shows what the demo waits for: on a terminal in one line that is rewritten, elsewhere in a line at the start and one at the end. */

import { elapsedOf, showSeconds } from '../../test/cluster/progress.ts';

/** Where lines go. */
export interface Screen {
  /** Lines can be rewritten. */
  isTerminal: boolean;
  write(text: string): void;
}

interface Wait {
  what: string;
  startMs: number;
  expectedSeconds: number;
}

/** A line is rewritten each second; where it cannot be, a wait is mentioned again every half minute. */
const REWRITE_MS = 1_000;
const MENTION_MS = 30_000;
const CLEAR_LINE = '\r\u001B[K';

export class Waits {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #running = new Set<Wait>();

  /** @param now milliseconds of any beginning. */
  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
  }

  /** Shows the wait until `work` ends; several may run side by side. @param what a noun: "a Kubernetes node". */
  async for<T>(what: string, expectedSeconds: number, work: () => Promise<T>): Promise<T> {
    const wait = { what, expectedSeconds, startMs: this.#now() };
    this.#running.add(wait);
    if (!this.#screen.isTerminal) this.say(`waiting for ${what}: about ${showSeconds(expectedSeconds)} ...`);
    const timer = setInterval(() => this.tick(wait), this.#screen.isTerminal ? REWRITE_MS : MENTION_MS);
    try {
      this.#show();
      const result = await work();
      this.#running.delete(wait);
      this.say(`${what}: ready after ${((this.#now() - wait.startMs) / 1000).toFixed(1)} s`);
      return result;
    } finally {
      clearInterval(timer);
      this.#running.delete(wait);
      this.#show();
    }
  }

  /** A line that stays. */
  say(line: string): void {
    this.#screen.write(`${this.#screen.isTerminal ? CLEAR_LINE : ''}   ${line}\n`);
    this.#show();
  }

  /** Time has passed. */
  tick(wait?: Wait): void {
    if (this.#screen.isTerminal) this.#show();
    else if (wait !== undefined) this.say(waitingFor([wait], this.#now()));
  }

  #show(): void {
    if (!this.#screen.isTerminal) return;
    this.#screen.write(
      CLEAR_LINE + (this.#running.size === 0 ? '' : `   ${waitingFor([...this.#running], this.#now())}`),
    );
  }
}

/** `waiting for a mesh (2 s of about 4 s), Prometheus (1 s of about 2 s)`. */
function waitingFor(waits: readonly Wait[], nowMs: number): string {
  const each = waits.map(
    ({ what, startMs, expectedSeconds }) => `${what} (${elapsedOf((nowMs - startMs) / 1000, expectedSeconds)})`,
  );
  return `waiting for ${each.join(', ')}`;
}
