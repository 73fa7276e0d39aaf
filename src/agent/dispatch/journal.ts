/** What the agent knows of operations by id: those on the way, results the hub has not stored yet, and some that it has. */

import type { Operation, OperationResult, OperationState } from '../../protocol/operation.ts';

export interface JournalEntry {
  operation: Operation;
  /** Of the session that delivered it first. */
  epoch: number;
  state: OperationState;
  result?: OperationResult;
}

/** Results kept after the hub has stored them, so that a repeated id does not repeat the deed. */
const REMEMBERED = 2000;
/** A larger value is not kept: whoever asks again gets it read again. */
const REMEMBERED_VALUE_CHARS = 8 * 1024;

export class Journal {
  #open = new Map<string, JournalEntry>();
  #stored = new Map<string, JournalEntry>();
  #emptied: (() => void)[] = [];

  add(operation: Operation, epoch: number): JournalEntry {
    const entry: JournalEntry = { operation, epoch, state: 'accepted' };
    this.#open.set(operation.id, entry);
    return entry;
  }

  find(id: string): JournalEntry | undefined {
    return this.#open.get(id) ?? this.#stored.get(id);
  }

  /** Ends an entry: it stays open until the hub has stored the result. */
  finish(entry: JournalEntry, result: OperationResult): void {
    entry.state = result.state;
    entry.result = result;
    this.#stored.delete(entry.operation.id);
    this.#open.set(entry.operation.id, entry);
  }

  /** Takes up again what was stored and has to be said once more. */
  reopen(entry: JournalEntry): void {
    this.#stored.delete(entry.operation.id);
    this.#open.set(entry.operation.id, entry);
  }

  /** The hub has stored these results. */
  stored(ids: readonly string[]): void {
    for (const id of ids) {
      const entry = this.#open.get(id);
      if (!entry?.result) continue;
      this.#open.delete(id);
      const { value } = entry.result;
      if (value !== undefined && JSON.stringify(value).length > REMEMBERED_VALUE_CHARS) continue;
      this.#stored.set(id, entry);
      const oldest = this.#stored.size > REMEMBERED ? this.#stored.keys().next().value : undefined;
      if (oldest !== undefined) this.#stored.delete(oldest);
    }
    if (!this.#hasUnstored()) for (const resolve of this.#emptied.splice(0)) resolve();
  }

  /** Resolves when the hub has stored every result there is. */
  whenStored(): Promise<void> {
    if (!this.#hasUnstored()) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#emptied.push(resolve);
    return promise;
  }

  /** In flight, and ended but not stored, in the order they came. */
  open(): JournalEntry[] {
    return [...this.#open.values()];
  }

  #hasUnstored(): boolean {
    return [...this.#open.values()].some((entry) => entry.result !== undefined);
  }

  get inFlight(): number {
    let count = 0;
    for (const entry of this.#open.values()) if (!entry.result) count += 1;
    return count;
  }
}
