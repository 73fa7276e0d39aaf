/** Many small writes as few statements: what is asked for while one statement runs goes into the next one, together. */

import type { Store } from './store.ts';

/** A statement's parameters are built in memory; more than this in one would make the others wait for it. */
const MOST = 200;

interface Asked<I, O> {
  item: I;
  resolve: (outcome: O) => void;
  reject: (error: unknown) => void;
}

/**
 * One statement at a time, in the order of asking; a lone write goes out at once. So a busy orchestrator commits once for many
 * runs (measured, 30 releases at once, with the journal of steps: PostgreSQL needs a quarter of the processor time), and a quiet
 * one waits for nobody.
 */
export class Gather<I, O> {
  readonly #write: (items: I[]) => Promise<O[]>;
  #waiting: Asked<I, O>[] = [];
  #isBusy = false;

  /** @param write outcomes in the order of the items; all or nothing. */
  constructor(write: (items: I[]) => Promise<O[]>) {
    this.#write = write;
  }

  /** @throws what the statement threw; one that fails for another item does not fail for this one. */
  add(item: I): Promise<O> {
    const { promise, resolve, reject } = Promise.withResolvers<O>();
    this.#waiting.push({ item, resolve, reject });
    if (!this.#isBusy) {
      this.#isBusy = true;
      // What is asked for in the same turn goes along.
      queueMicrotask(() => void this.#run());
    }
    return promise;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#send(this.#waiting.splice(0, MOST));
    this.#isBusy = false;
  }

  async #send(batch: Asked<I, O>[]): Promise<void> {
    try {
      const outcomes = await this.#write(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index] as O); // as many as items
    } catch (error) {
      if (batch.length === 1) batch[0]?.reject(error);
      else for (const one of batch) await this.#send([one]);
    }
  }
}

/** One of a kind for each store: statements are functions, and what gathers them belongs to the database. */
export function perStore<T>(make: (store: Store) => T): (store: Store) => T {
  const made = new WeakMap<Store, T>();
  return (store) => {
    const known = made.get(store) ?? make(store);
    made.set(store, known);
    return known;
  };
}
