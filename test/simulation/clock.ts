/** Simulated time: what is due next, in order, and chance that repeats with its seed. */

/** Mulberry32: small, fast, and the same everywhere. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Due {
  at: number;
  order: number;
  act: () => void;
}

export class SimulatedClock {
  now = 0;
  /** Events so far. */
  steps = 0;
  readonly random: () => number;
  /** A binary heap by time, then by order of asking. */
  #due: Due[] = [];
  #order = 0;

  constructor(random: () => number) {
    this.random = random;
  }

  /** @returns a whole number of milliseconds, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  after(ms: number, act: () => void): void {
    this.#due.push({ at: this.now + ms, order: ++this.#order, act });
    this.#up(this.#due.length - 1);
  }

  /** Runs what is due next. @returns false: nothing is. */
  step(): boolean {
    const [next] = this.#due;
    if (next === undefined) return false;
    const last = this.#due.pop();
    if (this.#due.length > 0 && last !== undefined) {
      this.#due[0] = last;
      this.#down(0);
    }
    this.now = next.at;
    this.steps += 1;
    next.act();
    return true;
  }

  #isBefore(left: number, right: number): boolean {
    const [a, b] = [this.#due[left], this.#due[right]];
    if (a === undefined || b === undefined) return a !== undefined;
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #swap(left: number, right: number): void {
    const [a, b] = [this.#due[left], this.#due[right]];
    if (a !== undefined && b !== undefined) [this.#due[left], this.#due[right]] = [b, a];
  }

  #up(start: number): void {
    for (let at = start; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #down(start: number): void {
    for (let at = start; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let least = at;
      if (left < this.#due.length && this.#isBefore(left, least)) least = left;
      if (right < this.#due.length && this.#isBefore(right, least)) least = right;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }
}
