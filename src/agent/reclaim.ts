/** Gives back the memory of large lists: V8 lets their garbage lie as long as nothing presses, and it stays resident. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../shared/clock.ts';

/** Fewer objects leave too little to be worth the pause (60 to 80 ms with 5,000 pods, measured). */
const WORTH = 1000;
/** Lists come together, at a start and after a long break: once, after the last of them. */
const QUIET_MS = 2000;

export class Reclaim {
  #clock: Clock;
  #collect: () => void;
  #objects = 0;
  #cancel: () => void = () => undefined;

  /** @param collect default: a full garbage collection. */
  constructor(clock: Clock, collect: () => void = collectGarbage) {
    this.#clock = clock;
    this.#collect = collect;
  }

  /** So many objects were read and cut down. */
  listed(objects: number): void {
    this.#objects += objects;
    if (this.#objects < WORTH) return;
    this.#cancel();
    this.#cancel = this.#clock.after(QUIET_MS, () => {
      this.#objects = 0;
      this.#collect();
    });
  }

  stop(): void {
    this.#cancel();
  }
}

/** Node offers it by a flag alone, which must not be needed by whoever starts the agent. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
}
