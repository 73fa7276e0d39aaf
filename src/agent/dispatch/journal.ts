/** What the agent knows of operations by id: those on the way, results the hub has not stored yet, and some that it has. */

import type { Operation, OperationKind, OperationResult, OperationState } from '../../protocol/operation.ts';
import type { History } from '../operations/context.ts';

export interface JournalEntry {
  operation: Operation;
  takenMs: number;
  /** Of the session that delivered it first. */
  epoch: number;
  /** Of the newest session that counts on it: the one that delivered it, or that was told of it in Hello. */
  heldEpoch: number;
  history: History;
  state: OperationState;
  result?: OperationResult;
}

/** A result that the hub has stored, kept so that a repeated id does not repeat the deed. */
interface Remembered {
  epoch: number;
  result: Omit<OperationResult, 'value'>;
  /** The value as JSON, which takes a third of the room; absent: there was none, or it is to be read again. */
  value?: string;
  isValueDropped: boolean;
  storedMs: number;
}

const REMEMBERED = 10_000;
const REMEMBERED_MS = 3_600_000;
/** A larger value is not kept: whoever asks again gets it read again. */
const VALUE_CHARS = 8 * 1024;
/** Of all values together. */
const ALL_VALUES_CHARS = 4 * 1024 * 1024;
/** Their answers cannot be read again, and they must not be done again. */
const ONLY_ONCE: ReadonlySet<OperationKind> = new Set<OperationKind>(['http', 'delete', 'guard']);
const NOT_KEPT = {
  state: 'failed',
  code: 'TOO_LARGE',
  message:
    'It was done, and the orchestrator said that it has stored the answer. The agent keeps no answer of this size; it is not done again.',
} as const;

export class Journal {
  #nowMs: () => number;
  #open = new Map<string, JournalEntry>();
  /** Oldest first. */
  #stored = new Map<string, Remembered>();
  #valueChars = 0;
  #emptied: (() => void)[] = [];

  /** @param nowMs milliseconds, from any beginning. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @param redelivered the hub sent it before. */
  add(operation: Operation, epoch: number, redelivered: boolean): JournalEntry {
    const { id } = operation;
    const history = this.#stored.get(id)?.isValueDropped ? 'done' : redelivered ? 'repeated' : 'first';
    this.#drop(id);
    const takenMs = this.#nowMs();
    const entry: JournalEntry = { operation, takenMs, epoch, heldEpoch: epoch, history, state: 'accepted' };
    this.#open.set(id, entry);
    return entry;
  }

  /** What is known of an operation that comes again: on its way, or ended, and then open once more. */
  find(operation: Operation): JournalEntry | undefined {
    const { id } = operation;
    const open = this.#open.get(id);
    if (open) return open;
    this.#prune();
    const kept = this.#stored.get(id);
    if (!kept || kept.isValueDropped) return undefined;
    const { epoch, value } = kept;
    const result: OperationResult = {
      ...kept.result,
      ...(value !== undefined && { value: JSON.parse(value) as unknown }),
    };
    this.#drop(id);
    const takenMs = kept.storedMs;
    const state = result.state;
    const entry: JournalEntry = { operation, takenMs, epoch, heldEpoch: epoch, history: 'done', state, result };
    this.#open.set(id, entry);
    return entry;
  }

  /** Whether an operation of this id is on its way or unstored. */
  get(id: string): JournalEntry | undefined {
    return this.#open.get(id);
  }

  /** Ends an entry: it stays open until the hub has stored the result. */
  finish(entry: JournalEntry, result: OperationResult): void {
    entry.state = result.state;
    entry.result = result;
  }

  /** The hub has stored these results. */
  stored(ids: readonly string[]): void {
    for (const id of ids) {
      const entry = this.#open.get(id);
      if (!entry?.result) continue;
      this.#open.delete(id);
      this.#remember(entry, entry.result);
    }
    this.#prune();
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

  get inFlight(): number {
    let count = 0;
    for (const entry of this.#open.values()) if (!entry.result) count += 1;
    return count;
  }

  /** Ended, and not stored by the hub. */
  unstored(): OperationResult[] {
    return [...this.#open.values()].flatMap(({ result }) => result ?? []);
  }

  #remember({ operation, epoch }: JournalEntry, { value, ...result }: OperationResult): void {
    const text = value === undefined ? undefined : JSON.stringify(value);
    const chars = text?.length ?? 0;
    const fits = chars <= VALUE_CHARS && this.#valueChars + chars <= ALL_VALUES_CHARS;
    if (fits) this.#valueChars += chars;
    const isReadable = !ONLY_ONCE.has(operation.spec.kind);
    this.#stored.set(operation.id, {
      epoch,
      result: fits || isReadable ? result : { ...result, ...NOT_KEPT },
      ...(fits && text !== undefined && { value: text }),
      isValueDropped: !fits && isReadable,
      storedMs: this.#nowMs(),
    });
  }

  #prune(): void {
    const tooOldMs = this.#nowMs() - REMEMBERED_MS;
    for (const [id, { storedMs }] of this.#stored) {
      if (storedMs >= tooOldMs && this.#stored.size <= REMEMBERED) return;
      this.#drop(id);
    }
  }

  #drop(id: string): void {
    this.#valueChars -= this.#stored.get(id)?.value?.length ?? 0;
    this.#stored.delete(id);
  }

  #hasUnstored(): boolean {
    return [...this.#open.values()].some((entry) => entry.result !== undefined);
  }
}
