/** From an operation that arrives to its result: each id runs once, each object one at a time, every end is told. */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { Operation, OperationResult } from '../../protocol/operation.ts';
import type { OperationProgress } from '../../protocol/status-codec.ts';
import { execute, laneKeysOf } from '../operations/execute.ts';
import type { Guards } from '../guard/guards.ts';
import type { Cluster } from '../operations/context.ts';
import type { Policy } from '../operations/policy.ts';
import { admit, checkDeadline, refusalOf } from './admission.ts';
import type { Refusal } from './admission.ts';
import { HubClock } from './hub-clock.ts';
import { Journal } from './journal.ts';
import type { JournalEntry } from './journal.ts';
import { Lanes } from './lanes.ts';
import type { LaneTask } from './lanes.ts';

export interface DispatcherOptions {
  cluster: Cluster;
  policy: Policy;
  /** What they hold, and fired for, is not written by an operation of before. */
  guards: Pick<Guards, 'refusalFor' | 'settled' | 'arm' | 'disarm'>;
  clock: Clock;
  log: Log;
  /** Operations that run at once. */
  credit: number;
  /** Called with every change; a result is called again with each new request for it. */
  onStatus: (status: OperationProgress | OperationResult, epoch: number) => void;
}

interface Job {
  task: LaneTask;
  controller: AbortController;
}

export class Dispatcher {
  readonly journal = new Journal();
  /** The highest epoch seen: an orchestrator of a lower one has been replaced. */
  highestEpoch = 0;
  #options: DispatcherOptions;
  #lanes: Lanes;
  #jobs = new Map<string, Job>();
  /** By which deadlines are judged. */
  readonly hubClock: HubClock;
  #draining = false;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#lanes = new Lanes(options.credit);
    this.hubClock = new HubClock(() => options.clock.now());
  }

  /** A session began. @param serverTimeMs the hub's clock, by which deadlines are judged. */
  begin(epoch: number, serverTimeMs: number): void {
    this.highestEpoch = Math.max(this.highestEpoch, epoch);
    this.hubClock.begin(serverTimeMs);
  }

  /** The hub's time. */
  now(): number {
    return this.hubClock.now();
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Takes an operation. Returns false while draining: then nothing was taken, and another session is to have it. */
  take(operation: Operation, epoch: number): boolean {
    const known = this.journal.find(operation.id);
    if (known) {
      this.#repeat(known);
      return true;
    }
    if (this.#draining) return false;
    const refusal = admit(operation, epoch, this.highestEpoch, this.#options.policy);
    if (refusal?.code === 'SUPERSEDED') {
      // Not journaled: the orchestrator that is in charge may send the same id, and then it is to run.
      this.#options.onStatus({ id: operation.id, ...refusal, atMs: this.now() }, epoch);
      return true;
    }
    const entry = this.journal.add(operation, epoch);
    if (refusal) this.#finish(entry, refusal);
    else this.#enqueue(entry);
    return true;
  }

  /** Ends an operation that waits; interrupts one that runs. Of an unknown or ended one nothing is said. */
  cancel(id: string): void {
    const entry = this.journal.find(id);
    const job = this.#jobs.get(id);
    if (!entry || !job) return;
    if (this.#lanes.remove(job.task)) {
      this.#finish(entry, { state: 'cancelled', code: 'CANCELLED', message: 'Cancelled before it started.' });
      this.#forget(id);
    } else {
      job.controller.abort();
    }
  }

  /** Takes nothing new. Resolves when nothing runs any more. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#jobs.size === 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle.push(resolve);
    return promise;
  }

  /**
   * Interrupts what still runs: the agent goes. Nothing is said of it, so the hub gives it to the next agent;
   * a word now would end it for good.
   */
  stop(): void {
    this.#stopped = true;
    for (const job of this.#jobs.values()) job.controller.abort();
  }

  #repeat(entry: JournalEntry): void {
    if (entry.result) this.journal.reopen(entry);
    const { id } = entry.operation;
    const progress: OperationProgress = {
      id,
      state: entry.state === 'running' ? 'running' : 'accepted',
      atMs: this.now(),
    };
    this.#options.onStatus(entry.result ?? progress, entry.epoch);
  }

  #enqueue(entry: JournalEntry): void {
    const { id } = entry.operation;
    const controller = new AbortController();
    const task: LaneTask = { keys: laneKeysOf(entry.operation), run: () => this.#run(entry, controller.signal) };
    this.#jobs.set(id, { task, controller });
    if (!this.#lanes.add(task)) this.#options.onStatus({ id, state: 'accepted', atMs: this.now() }, entry.epoch);
  }

  async #run(entry: JournalEntry, cancelled: AbortSignal): Promise<void> {
    const { operation } = entry;
    try {
      this.#finish(entry, await this.#perform(entry, cancelled));
    } catch (error) {
      if (!this.#stopped) this.#finish(entry, refusalOf(error));
    } finally {
      this.#forget(operation.id);
    }
  }

  #forget(id: string): void {
    this.#jobs.delete(id);
    if (this.#jobs.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #perform(entry: JournalEntry, cancelled: AbortSignal): Promise<Ending> {
    const { operation, epoch } = entry;
    const late = checkDeadline(operation, this.now());
    if (late) return late;
    entry.state = 'running';
    this.#options.onStatus({ id: operation.id, state: 'running', atMs: this.now() }, epoch);
    const { cluster, guards } = this.#options;
    // The deadline also ends retries and waits: what the run no longer counts on is not done behind its back.
    const deadline = new AbortController();
    const cancelTimer = this.#options.clock.after(Math.min(operation.notAfterMs - this.now(), 2 ** 31 - 1), () =>
      deadline.abort(),
    );
    try {
      const signal = AbortSignal.any([cancelled, deadline.signal]);
      const refusal = await guards.refusalFor(operation, signal);
      if (refusal) return refusal;
      const value = await execute({ ...cluster, guards, operation, signal }).finally(() => guards.settled(operation));
      return { state: 'succeeded', code: 'OK', message: '', value };
    } catch (error) {
      if (!deadline.signal.aborted || cancelled.aborted) throw error;
      const message = `Given up at its deadline, ${describeKind(operation)} was not finished: ${refusalOf(error).message}`;
      return { state: 'failed', code: 'TIMEOUT', message };
    } finally {
      cancelTimer();
    }
  }

  #finish(entry: JournalEntry, ending: Ending): void {
    const result: OperationResult = { id: entry.operation.id, ...ending, atMs: this.now() };
    this.journal.finish(entry, result);
    const { log, onStatus } = this.#options;
    const fields = { op_id: result.id, kind: entry.operation.spec.kind, state: result.state, code: result.code };
    if (result.state === 'succeeded') log.debug(fields, 'operation ended');
    else log.warn({ ...fields, reason: result.message }, 'operation ended');
    onStatus(result, entry.epoch);
  }
}

type Ending = Refusal & { value?: unknown };

function describeKind(operation: Operation): string {
  return `the ${operation.spec.kind}`;
}
