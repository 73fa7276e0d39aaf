/** One guard, from armed to fired: looks when something has changed, decides by `judge`, acts at once. */

import type { Log } from '../../shared/log.ts';
import { markPatch } from '../health/reduce-guard.ts';
import type { GuardRecord } from '../health/reduce-guard.ts';
import type { Pin } from '../health/health.ts';
import type { ObjectRef } from '../../protocol/kube-object.ts';
import { announce } from './announce.ts';
import { factsOf } from './facts.ts';
import type { Holder } from './holder.ts';
import { judge } from './judge.ts';
import type { GuardVerdict } from './judge.ts';
import { writeAll } from './write-all.ts';
import type { GuardWrite, WriteAllOptions } from './write-all.ts';
import { isSame } from './writes.ts';

export interface GuardedOptions {
  /** The wall clock, for people. */
  now: () => number;
  /** Since the last word of the orchestrator. */
  silentMs: () => number;
  /** Its writes are on their way. */
  onFired: () => void;
  log: Log;
  writing: Omit<WriteAllOptions, 'signal' | 'log'>;
  pin: Pin | undefined;
}

export class Guarded {
  record: GuardRecord;
  /** It is being taken off: it no longer decides. */
  disarming = false;
  #holder: Holder;
  #options: GuardedOptions;
  #log: Log;
  #stop = new AbortController();
  #queued = false;
  #waiting = false;
  /** Marks on the holder, one after the other; undefined: none is on the way. */
  #marking: Promise<void> | undefined;

  constructor(holder: Holder, record: GuardRecord, options: GuardedOptions) {
    this.#holder = holder;
    this.record = record;
    this.#options = options;
    const { namespace, name } = holder;
    this.#log = options.log.child({ namespace, holder: name, rollout: record.spec.rollout });
    // The first look at where an object lies asks the cluster: not when it must go fast.
    const { resources } = options.writing.cluster;
    for (const { object } of record.spec.writes) {
      resources.find(object.apiVersion, object.kind).catch(() => undefined);
    }
    if (!this.isFired) this.look();
    else if (!record.finished) void this.#finish();
  }

  get isFired(): boolean {
    return this.record.state === 'fired';
  }

  /** Whether it holds the weights of this object. */
  covers(object: ObjectRef): boolean {
    const { holder, writes } = this.record.spec;
    return isSame(holder, object) || writes.some((write) => isSame(write.object, object));
  }

  /** The holder has changed. What it says of this guard's state is an echo of what we wrote. */
  renew(holder: Holder): void {
    this.#holder = holder;
    this.look();
  }

  /** Looks once this turn is over: in the middle of a new list half of what is there seems gone. */
  look(): void {
    if (this.#queued) return;
    this.#queued = true;
    queueMicrotask(() => {
      this.#queued = false;
      this.#decide();
    });
  }

  /** Makes its writes once more: another write was on the way when it fired. */
  repeat(): void {
    if (this.isFired) void this.#writeWeights();
  }

  stop(): void {
    this.#stop.abort();
    this.#options.pin?.release();
  }

  #decide(): void {
    const { pin, silentMs } = this.#options;
    if (!pin || this.isFired || this.disarming || this.#stop.signal.aborted) return;
    const { spec, restarts } = this.record;
    const rest = { canaryWeight: this.#holder.canaryWeight, silentMs: silentMs() };
    this.#act(judge(spec, factsOf(spec, restarts, pin.view, rest)));
  }

  #act(verdict: GuardVerdict): void {
    const { state } = this.record;
    switch (verdict.kind) {
      case 'fire':
        this.#fire(verdict.reason);
        return;
      case 'hold':
        if (state === 'holding') return;
        this.#log.warn({ state: 'holding', reason: verdict.reason }, 'guard holds the weights');
        this.#mark('holding', verdict.reason);
        return;
      case 'wait':
        if (this.#waiting) return;
        this.#waiting = true;
        this.#log.warn({ state, reason: verdict.reason }, 'guard waits before it fires');
        this.#mark(state, verdict.reason);
        return;
      case 'keep':
        if (this.#waiting) {
          this.#log.info({ state: 'armed' }, 'guard has nothing to wait for any more');
          this.#mark('armed', '');
        } else if (state === 'holding') {
          this.#log.info({ state: 'armed' }, 'guard is armed again');
          // The reason stays: an orchestrator that comes back is to learn that it was missed.
          this.#mark('armed', this.record.reason);
        }
        this.#waiting = false;
    }
  }

  #fire(reason: string): void {
    const at = new Date(this.#options.now()).toISOString();
    this.record = { ...this.record, state: 'fired', reason, at };
    // The writes are on their way before the line is.
    void this.#finish();
    this.#options.onFired();
    this.#log.warn({ state: 'fired', reason }, 'guard fired');
  }

  /** All that is to be done once it has fired; a successor does it again unless it finds it finished. */
  async #finish(): Promise<void> {
    const startedMs = performance.now();
    await this.#writeWeights();
    // A mark that was on the way may have come after the weights: what it said of the state is taken back.
    if (this.#marking) {
      await this.#marking;
      await this.#write([this.#holderWrite()]);
    }
    if (this.#stop.signal.aborted) return;
    const took_ms = Math.round(performance.now() - startedMs);
    this.#log.warn({ state: 'fired', took_ms }, 'guard has sent all traffic to the stable');
    await this.#announce();
    this.record = { ...this.record, finished: true };
    await this.#write([{ object: this.record.spec.holder, body: { metadata: markPatch(this.record) } }]);
  }

  #writeWeights(): Promise<void> {
    const { holder, writes } = this.record.spec;
    return this.#write([this.#holderWrite(), ...writes.filter(({ object }) => !isSame(object, holder))]);
  }

  /** The state goes with the weights, so that no successor sees one without the other. */
  #holderWrite(): GuardWrite {
    const { holder, writes } = this.record.spec;
    const own = writes.find(({ object }) => isSame(object, holder));
    return { object: holder, body: { ...(own?.body as object | undefined), metadata: markPatch(this.record) } };
  }

  async #announce(): Promise<void> {
    const { writing } = this.#options;
    const { namespace } = this.#holder;
    try {
      await announce(writing.cluster.api, namespace, this.record, this.#stop.signal);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#log.warn({ err: error }, 'guard could not make an Event');
    }
  }

  #mark(state: GuardRecord['state'], reason: string): void {
    const at = new Date(this.#options.now()).toISOString();
    const record = { ...this.record, state, reason, at };
    this.record = record;
    const before = this.#marking ?? Promise.resolve();
    const mine = before.then(() => {
      // Overtaken by a newer one, or by the weights.
      if (this.record !== record) return undefined;
      return this.#write([{ object: record.spec.holder, body: { metadata: markPatch(record) } }]);
    });
    const settled = mine.finally(() => {
      if (this.#marking === settled) this.#marking = undefined;
    });
    this.#marking = settled;
  }

  #write(writes: GuardWrite[]): Promise<void> {
    const { writing } = this.#options;
    return writeAll(writes, { ...writing, log: this.#log, signal: this.#stop.signal });
  }
}
