/** Operations on their way: stored, handed to the account's session as its credit allows, and kept until their result is stored. */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { SluiceError } from '../../shared/errors.ts';
import type { Operation, OperationResult } from '../../protocol/operation.ts';
import { insertOperation, openOperations, storeResult } from '../store/operations.ts';
import type { OperationRow } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import { expiry } from './expiry.ts';
import { NOBODY } from './hub-observer.ts';
import type { HubObserver } from './hub-observer.ts';

/** A session as the desk needs it. */
export interface Carrier {
  readonly credit: number;
  /** False once the agent asked for no more. */
  readonly takesOperations: boolean;
  readonly capabilities: ReadonlySet<string>;
  /** Writes the operation. @param redelivered it was sent before. @throws SluiceError TOO_LARGE; nothing was sent then. */
  send(operation: Operation, redelivered: boolean): void;
  /** Asks that an operation it holds be taken back. */
  cancel(operationId: string): void;
}

interface Entry {
  account: string;
  operation: Operation;
  askedMs: number;
  /** Nothing is sent before it is in the store: an answer must find its question. */
  isStored: boolean;
  /** The session that holds it now: it was sent there, or the agent said in its Hello that it has it. */
  carrier: Carrier | undefined;
  /** It was sent at least once, by us or by the process before us: the agent may have done it. */
  maySent: boolean;
  /** Its caller wants it no more. */
  isCancelled: boolean;
  ended: boolean;
  done: Promise<OperationResult>;
  resolve: (result: OperationResult) => void;
  reject: (error: unknown) => void;
  cancelTimer: () => void;
}

export interface OperationDeskOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** Default: nobody counts. */
  observer?: HubObserver | undefined;
}

export class OperationDesk {
  readonly #entries = new Map<string, Entry>();
  readonly #carriers = new Map<string, Carrier>();
  readonly #options: OperationDeskOptions;
  readonly #startedMs: number;

  constructor(options: OperationDeskOptions) {
    this.#options = options;
    this.#startedMs = options.clock.now();
  }

  /** Takes up what the process before us left without a result. */
  async restore(): Promise<void> {
    for (const row of await openOperations(this.#options.store)) {
      const entry = this.#enter(row.account, operationOf(row));
      entry.isStored = true;
      entry.maySent = true;
      this.#await(entry);
    }
  }

  /** As `AgentLink.execute`, without its signal. */
  execute(account: string, operation: Operation): Promise<OperationResult> {
    const known = this.#entries.get(operation.id);
    if (known) return known.done;
    const entry = this.#enter(account, operation);
    void this.#store(entry);
    return entry.done;
  }

  /** A session of the account began. @param held ids its agent has already. */
  attach(account: string, carrier: Carrier, held: ReadonlySet<string>): void {
    this.#carriers.set(account, carrier);
    for (const entry of this.#entries.values()) {
      if (entry.account !== account) continue;
      entry.carrier = held.has(entry.operation.id) ? carrier : undefined;
      entry.maySent ||= entry.carrier !== undefined;
      if (entry.isCancelled) this.#takeBack(entry);
    }
    this.#pump(account);
  }

  /** As `AgentLink.cancel`. */
  cancel(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry || entry.isCancelled) return;
    entry.isCancelled = true;
    this.#takeBack(entry);
  }

  /** The account's session is over: what it held is to be sent again. */
  detach(account: string, carrier: Carrier): void {
    if (this.#carriers.get(account) !== carrier) return;
    this.#carriers.delete(account);
    for (const entry of this.#entries.values()) if (entry.carrier === carrier) entry.carrier = undefined;
  }

  /**
   * An agent's word on how an operation ended. Resolves once it is stored; then the agent may forget it.
   * A second word, or one on an operation that is over, unknown or was never sent, changes nothing and may be forgotten too.
   */
  async finish(account: string, result: OperationResult): Promise<void> {
    const entry = this.#entries.get(result.id);
    const isAnswer = entry === undefined || entry.maySent;
    const isFirst = isAnswer && (await storeResult(this.#options.store, account, result));
    if (!isFirst)
      this.#options.log.warn(
        { account, operation: result.id, state: result.state },
        'result came for an operation that is over',
      );
    if (isFirst && entry?.account === account) this.#ended(entry, result);
  }

  /** How many operations a session's agent holds. */
  held(carrier: Carrier): number {
    let held = 0;
    for (const entry of this.#entries.values()) if (entry.carrier === carrier) held++;
    return held;
  }

  /** Lets go of every timer; what waits goes on waiting in the next process. */
  close(): void {
    for (const entry of this.#entries.values()) entry.cancelTimer();
    this.#entries.clear();
    this.#carriers.clear();
  }

  #enter(account: string, operation: Operation): Entry {
    const { promise, resolve, reject } = Promise.withResolvers<OperationResult>();
    promise.catch(() => {}); // who asked hears of it; an operation that nobody waits for must not end the process
    const entry = {
      account,
      operation,
      askedMs: this.#options.clock.now(),
      isStored: false,
      carrier: undefined,
      maySent: false,
      isCancelled: false,
      ended: false,
      done: promise,
      resolve,
      reject,
      cancelTimer: () => {},
    };
    this.#entries.set(operation.id, entry);
    return entry;
  }

  async #store(entry: Entry): Promise<void> {
    let row: Awaited<ReturnType<typeof insertOperation>>;
    try {
      row = await insertOperation(this.#options.store, entry.account, entry.operation);
    } catch (error) {
      this.#entries.delete(entry.operation.id);
      entry.reject(error);
      return;
    }
    if (row.account !== entry.account) {
      this.#entries.delete(entry.operation.id);
      entry.reject(
        new SluiceError(
          'INTERNAL',
          `Operation ${row.id} is asked of ${entry.account} and was asked of ${row.account}.`,
        ),
      );
      return;
    }
    if (row.result) {
      this.#settle(entry, row.result);
      return;
    }
    // Asked again after a crash: the stored one holds, with its deadline and its generation.
    entry.operation = operationOf(row);
    entry.maySent ||= !row.isNew;
    entry.isStored = true;
    this.#await(entry);
    if (entry.isCancelled) this.#takeBack(entry);
    else if (isWaiting(entry)) this.#pump(entry.account, entry);
  }

  /** Takes an operation back as far as that can be done now. One that an agent may have is over when the agent says so. */
  #takeBack(entry: Entry): void {
    if (!entry.isStored || entry.ended) return;
    if (entry.carrier) {
      entry.carrier.cancel(entry.operation.id);
    } else if (!entry.maySent) {
      void this.#end(entry, 'cancelled', 'CANCELLED', 'It was taken back before it was sent. Nothing was done.');
    } else if (this.#carriers.has(entry.account)) {
      // In its Hello the agent said what it holds: this is not among it.
      const message = `It was sent and taken back, and the agent of ${entry.account} does not have it. It may have been done.`;
      void this.#end(entry, 'cancelled', 'CANCELLED', message);
    }
  }

  /** Hands on what waits, oldest first, while there is credit. @param only the one that is new, if it is all that can have changed. */
  #pump(account: string, only?: Entry): void {
    const carrier = this.#carriers.get(account);
    if (!carrier?.takesOperations) return;
    let free = carrier.credit - this.held(carrier);
    for (const entry of only && free > 0 ? [only] : this.#waiting(account)) {
      if (free <= 0) return;
      if (this.#hand(entry, carrier)) free--;
    }
  }

  #waiting(account: string): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.account === account && isWaiting(entry));
  }

  /** @returns whether it was sent. What can't be sent ends here. */
  #hand(entry: Entry, carrier: Carrier): boolean {
    const { operation } = entry;
    if (operation.notAfterMs <= this.#options.clock.now()) return false; // its timer ends it
    if (!carrier.capabilities.has(operation.spec.kind)) {
      void this.#end(
        entry,
        'rejected',
        'UNSUPPORTED',
        `The agent of ${entry.account} does not know the operation ${operation.spec.kind}. Upgrade it.`,
      );
      return false;
    }
    try {
      carrier.send(operation, entry.maySent);
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'TOO_LARGE') throw error;
      void this.#end(entry, 'rejected', 'TOO_LARGE', error.message);
      return false;
    }
    entry.carrier = carrier;
    entry.maySent = true;
    return true;
  }

  /** Arms the timer of the next moment at which the operation may have to end without its agent's word. */
  #await(entry: Entry): void {
    const { clock } = this.#options;
    const decide = (): void => {
      if (entry.ended) return;
      const facts = {
        notAfterMs: entry.operation.notAfterMs,
        startedMs: this.#startedMs,
        maySent: entry.maySent,
        isHeld: entry.carrier !== undefined,
      };
      const next = expiry(facts, clock.now());
      if ('againInMs' in next) entry.cancelTimer = clock.after(next.againInMs, decide);
      else void this.#end(entry, 'expired', 'EXPIRED', `${entry.account}: ${next.expired}`);
    };
    decide();
  }

  async #end(
    entry: Entry,
    state: 'rejected' | 'expired' | 'cancelled',
    code: 'UNSUPPORTED' | 'TOO_LARGE' | 'EXPIRED' | 'CANCELLED',
    message: string,
  ): Promise<void> {
    const { store, clock, log } = this.#options;
    entry.ended = true;
    const result: OperationResult = { id: entry.operation.id, state, code, message, atMs: clock.now() };
    try {
      if (await storeResult(store, entry.account, result)) {
        log.warn({ account: entry.account, operation: result.id, code }, 'operation ended without its agent');
        this.#ended(entry, result);
      }
      // Else the agent's word came in the same moment, and its storing settles the entry.
    } catch (err) {
      log.error({ err, operation: result.id }, 'result could not be stored');
      entry.ended = false;
      entry.cancelTimer = clock.after(1_000, () => void this.#end(entry, state, code, message));
    }
  }

  #ended(entry: Entry, result: OperationResult): void {
    const { observer = NOBODY, clock } = this.#options;
    observer.operationEnded(entry.operation.spec.kind, result.code, clock.now() - entry.askedMs);
    this.#settle(entry, result);
  }

  #settle(entry: Entry, result: OperationResult): void {
    entry.ended = true;
    entry.cancelTimer();
    this.#entries.delete(result.id);
    entry.resolve(result);
    if (entry.carrier) this.#pump(entry.account);
  }
}

function operationOf(row: OperationRow): Operation {
  const { id, deploymentId, namespace, notAfterMs, generation, afterGuard = false, spec } = row;
  return { id, deploymentId, namespace, notAfterMs, generation, afterGuard, spec };
}

function isWaiting(entry: Entry): boolean {
  return entry.isStored && !entry.carrier && !entry.ended && !entry.isCancelled;
}
