/** From an operation that arrives to its result: each id runs once, each object one at a time, every end is told. */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { Operation, OperationKind, OperationResult, ResultCode } from '../../protocol/operation.ts';
import type { OperationProgress } from '../../protocol/status-codec.ts';
import { execute, laneKeysOf } from '../operations/execute.ts';
import type { Guards } from '../guard/guards.ts';
import { StoodStill } from '../operations/stood-still.ts';
import type { Cluster } from '../operations/context.ts';
import { KnownMarks } from '../operations/known-marks.ts';
import type { Policy } from '../operations/policy.ts';
import { admit, checkDeadline, checkWrite, endingOf } from './admission.ts';
import type { Refusal } from './admission.ts';
import { HubClock } from './hub-clock.ts';
import { Journal } from './journal.ts';
import type { JournalEntry } from './journal.ts';
import { Lanes } from './lanes.ts';
import type { LaneTask } from './lanes.ts';
import { StandStill } from './stand-still.ts';

export interface DispatcherOptions {
  cluster: Cluster;
  policy: Policy;
  /** What they hold, and fired for, is not written by an operation of before. */
  guards: Pick<Guards, 'refusalFor' | 'settled' | 'arm' | 'disarm'>;
  clock: Clock;
  log: Log;
  /** Throws where this agent must write nothing, not even by `http`. */
  mayWrite?: (() => void) | undefined;
  /** Operations that run at once. */
  credit: number;
  /** Called with every change; a result is called again with each new request for it. */
  onStatus: (status: OperationProgress | OperationResult, epoch: number) => void;
  /** An operation has ended, so long after it came. @param kind undefined: it could not be read. */
  onEnded?: (kind: OperationKind | undefined, code: ResultCode, tookMs: number) => void;
}

interface Job {
  task: LaneTask;
  controller: AbortController;
}

export class Dispatcher {
  readonly journal: Journal;
  /** The highest epoch seen: an orchestrator of a lower one has been replaced. */
  highestEpoch = 0;
  #options: DispatcherOptions;
  #lanes: Lanes;
  #marks = new KnownMarks();
  #standStill: StandStill;
  #jobs = new Map<string, Job>();
  /** By which deadlines are judged. */
  readonly hubClock: HubClock;
  #draining = false;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#lanes = new Lanes(options.credit);
    this.journal = new Journal(() => options.clock.now());
    this.#standStill = new StandStill(options.clock);
    this.hubClock = new HubClock(() => options.clock.now());
  }

  /** A session began. @param serverTimeMs the hub's clock, by which deadlines are judged. @param askedAtMs see HubClock. */
  begin(epoch: number, serverTimeMs: number, askedAtMs: number): void {
    this.highestEpoch = Math.max(this.highestEpoch, epoch);
    // Hello named them, and the hub that answered counts on them.
    for (const entry of this.journal.open()) entry.heldEpoch = Math.max(entry.heldEpoch, epoch);
    this.#marks.clear();
    this.hubClock.begin(serverTimeMs, askedAtMs);
  }

  /** The hub's time. */
  now(): number {
    return this.hubClock.now();
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /**
   * Takes an operation. Returns false while draining: then nothing was taken, and another session is to have it.
   * @param redelivered it was sent before, to this agent or another.
   */
  take(operation: Operation, epoch: number, redelivered = false): boolean {
    const known = this.journal.find(operation);
    if (known) {
      known.heldEpoch = Math.max(known.heldEpoch, epoch);
      this.#repeat(known);
      return true;
    }
    if (this.#draining) return false;
    const refusal = admit(operation, epoch, this.highestEpoch, this.#options.policy);
    if (refusal?.code === 'SUPERSEDED') {
      // Not journaled: the orchestrator that is in charge may send the same id, and then it is to run.
      this.#options.onStatus({ id: operation.id, ...refusal, atMs: this.now() }, epoch);
      this.#options.onEnded?.(operation.spec.kind, refusal.code, 0);
      return true;
    }
    const entry = this.journal.add(operation, epoch, redelivered);
    if (refusal) this.#finish(entry, refusal);
    else this.#enqueue(entry);
    return true;
  }

  /** Says that an operation cannot be read. It is not kept: sent again it is refused again. */
  refuse(id: string, epoch: number, refusal: Refusal): void {
    this.#options.onStatus({ id, ...refusal, atMs: this.now() }, epoch);
    this.#options.onEnded?.(undefined, refusal.code, 0);
  }

  /** Ends an operation that waits; interrupts one that runs. Of an unknown or ended one nothing is said. */
  cancel(id: string): void {
    const entry = this.journal.get(id);
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
    this.#standStill.stop();
    for (const job of this.#jobs.values()) job.controller.abort();
  }

  #repeat(entry: JournalEntry): void {
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
    const keys = laneKeysOf(entry.operation);
    const task: LaneTask = { keys, run: (leaveLane) => this.#run(entry, controller.signal, leaveLane) };
    this.#jobs.set(id, { task, controller });
    if (!this.#lanes.add(task)) this.#options.onStatus({ id, state: 'accepted', atMs: this.now() }, entry.epoch);
  }

  async #run(entry: JournalEntry, cancelled: AbortSignal, leaveLane: () => void): Promise<void> {
    const { operation } = entry;
    try {
      const ending = await this.#perform(entry, cancelled, leaveLane);
      // What succeeded is said even while the agent goes; what was interrupted is the next one's.
      if (!this.#stopped || ending.state === 'succeeded') this.#finish(entry, ending);
    } finally {
      this.#forget(operation.id);
    }
  }

  #forget(id: string): void {
    this.#jobs.delete(id);
    if (this.#jobs.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Never rejects. */
  async #perform(entry: JournalEntry, cancelled: AbortSignal, leaveLane: () => void): Promise<Ending> {
    const { operation, history } = entry;
    const late = checkDeadline(operation, this.now());
    if (late) return late;
    this.#progress(entry);
    const { cluster, guards, policy } = this.#options;
    // The deadline also ends retries and waits: what the run no longer counts on is not done behind its back.
    const deadline = new AbortController();
    const cancelTimer = this.#options.clock.after(Math.min(operation.notAfterMs - this.now(), 2 ** 31 - 1), () =>
      deadline.abort(),
    );
    let hasWritten = false;
    let lookedMs = this.#options.clock.now();
    const looked = (): void => void (lookedMs = this.#options.clock.now());
    const permit = (): void => {
      this.#options.mayWrite?.();
      const { heldEpoch } = entry;
      const { highestEpoch } = this;
      const { notAfterMs } = operation;
      checkWrite({ notAfterMs, nowMs: this.now(), isCancelled: cancelled.aborted, heldEpoch, highestEpoch });
      if (this.#standStill.wasSince(lookedMs)) throw new StoodStill();
      hasWritten = true;
    };
    const progress = (message: string): void => this.#progress(entry, message);
    try {
      const signal = AbortSignal.any([cancelled, deadline.signal]);
      const refusal = await guards.refusalFor(operation, signal);
      if (refusal) return refusal;
      const tools = { guards, policy, marks: this.#marks, signal, permit, looked, progress, leaveLane };
      const value = await execute({ ...cluster, ...tools, operation, history }).finally(() =>
        guards.settled(operation),
      );
      return { state: 'succeeded', code: 'OK', message: '', value };
    } catch (error) {
      const facts = { operation, hasWritten, isLate: deadline.signal.aborted, isCancelled: cancelled.aborted };
      return endingOf(error, facts);
    } finally {
      cancelTimer();
    }
  }

  #progress(entry: JournalEntry, message?: string): void {
    entry.state = 'running';
    const { id } = entry.operation;
    const status: OperationProgress = { id, state: 'running', ...(message && { message }), atMs: this.now() };
    this.#options.onStatus(status, entry.epoch);
  }

  #finish(entry: JournalEntry, ending: Ending): void {
    const result: OperationResult = { id: entry.operation.id, ...ending, atMs: this.now() };
    this.journal.finish(entry, result);
    const { clock, log, onStatus, onEnded } = this.#options;
    onEnded?.(entry.operation.spec.kind, result.code, clock.now() - entry.takenMs);
    const fields = { operation: result.id, kind: entry.operation.spec.kind, state: result.state, code: result.code };
    // That something is not there is what was asked.
    const isAnswer = result.state === 'succeeded' || (fields.kind === 'get' && result.code === 'NOT_FOUND');
    if (isAnswer) log.debug(fields, 'operation ended');
    else log.warn({ ...fields, reason: result.message }, 'operation ended');
    onStatus(result, entry.epoch);
  }
}

type Ending = Refusal & { value?: unknown };
