/** Candidates for one Lease in a time of their own: every request may be slow, lost or answered to nobody, every process freeze or die. */

import { identityOf } from '../../src/agent/lease/candidate.ts';
import type { Identity, LeaseRecord, LeaseTimes } from '../../src/agent/lease/candidate.ts';
import { Election } from '../../src/agent/lease/election.ts';
import type { LeaseClaim, LeaseDoor } from '../../src/agent/lease/lease-door.ts';
import { silentLog } from '../../src/shared/log.ts';

type Record_ = LeaseRecord | undefined;

export interface WorldOptions {
  times: LeaseTimes;
  /** In [0, 1). */
  random: () => number;
  /** The longest that a request, or its answer, is on its way. */
  latencyMs: number;
  /** The longest that a write of one that acts is on its way. */
  writeMs: number;
}

/** One process of one pod. */
export interface Candidate {
  pod: string;
  election: Election;
  /** When it was elected; undefined: it is not. */
  electedMs: number | undefined;
  isAlive: boolean;
  stop: AbortController;
}

export class LeaseWorld {
  nowMs = 0;
  record: Record_ = { version: '1', holder: '', leaseMs: 0, renewTime: '', acquireTime: '', transitions: 0 };
  /** Of each pod the process that runs. */
  readonly pods = new Map<string, Candidate>();
  /** Every process there was. */
  readonly all: Candidate[] = [];
  /** Until then the pod's process stands still, and what comes waits. */
  readonly frozenMs = new Map<string, number>();
  /** Until then none of the pod's requests arrives, and its watch is silent. */
  readonly cutMs = new Map<string, number>();
  /** The next answer to a write of the pod is lost, not the write. */
  readonly deaf = new Set<string>();
  /** For so long the pod's machine slept, and the clock that never jumps with it. */
  readonly suspendedMs = new Map<string, number>();
  /** How far the pod's wall clock is off, and how fast its clocks go. */
  readonly wallMs = new Map<string, number>();
  readonly rate = new Map<string, number>();
  /** Two that acted at once, in words. */
  readonly faults: string[] = [];
  writes = 0;
  #options: WorldOptions;
  #queue: { atMs: number; order: number; run: () => void }[] = [];
  #order = 0;
  #version = 1;
  #followers = new Set<(record: Record_) => void>();
  #instance = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
  }

  at(ms: number, run: () => void): () => void {
    const entry = { atMs: Math.max(ms, this.nowMs), order: this.#order++, run };
    this.#queue.push(entry);
    return () => (this.#queue = this.#queue.filter((each) => each !== entry));
  }

  /** Lets time go on, event by event. */
  async run(untilMs: number): Promise<void> {
    for (;;) {
      this.#queue.sort((one, other) => one.atMs - other.atMs || one.order - other.order);
      const next = this.#queue[0];
      if (!next || next.atMs > untilMs) break;
      this.#queue.shift();
      this.nowMs = next.atMs;
      next.run();
      // All that follows of it without time going on.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.nowMs = untilMs;
  }

  /** Someone else's write. */
  edit(change: (record: Record_) => Record_): void {
    const changed = change(this.record);
    this.record = changed && { ...changed, version: String(++this.#version) };
    for (const each of this.#followers) each(this.record);
  }

  start(pod: string): Candidate {
    const { times, random } = this.#options;
    const self = identityOf(pod, String(++this.#instance));
    const rate = this.rate.get(pod) ?? 1;
    const stop = new AbortController();
    const after = (ms: number, callback: () => void): (() => void) =>
      this.at(this.nowMs + ms / rate, () => this.#deliver(candidate, callback));
    const clock = { now: () => this.nowMs * rate + (this.wallMs.get(pod) ?? 0), after };
    const pause = (ms: number, signal: AbortSignal): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      after(ms, resolve);
      signal.addEventListener('abort', () => resolve());
      return promise;
    };
    const election = new Election({
      door: this.#door(self, () => candidate),
      self,
      times,
      clock,
      log: silentLog,
      random,
      monotonicMs: () => this.nowMs * rate - (this.suspendedMs.get(pod) ?? 0),
      pause,
      onLost: () => this.#restart(candidate, 500 + random() * 3000),
    });
    const candidate: Candidate = { pod, election, electedMs: undefined, isAlive: true, stop };
    this.pods.set(pod, candidate);
    this.all.push(candidate);
    void this.#lead(candidate);
    return candidate;
  }

  async #lead(candidate: Candidate): Promise<void> {
    const isElected = await candidate.election.won(candidate.stop.signal);
    if (!isElected || !candidate.isAlive) return;
    candidate.electedMs = this.nowMs;
    this.#act(candidate);
  }

  /** As kill -9; a new process of the pod begins after `ms`. */
  crash(pod: string, ms: number): void {
    const candidate = this.pods.get(pod);
    if (candidate) this.#restart(candidate, ms);
  }

  /** As SIGTERM: acts no more, waits for what it wrote, gives the Lease back. */
  leave(pod: string, ms: number): void {
    const candidate = this.pods.get(pod);
    if (!candidate?.isAlive || candidate.stop.signal.aborted) return;
    candidate.stop.abort();
    this.at(this.nowMs + this.#options.writeMs, () =>
      this.#deliver(candidate, () => {
        void candidate.election.leave().then(() => this.#restart(candidate, ms));
      }),
    );
  }

  leaders(): Candidate[] {
    return this.all.filter((each) => each.isAlive && each.election.standing().role === 'leader');
  }

  #restart(candidate: Candidate, ms: number): void {
    if (!candidate.isAlive) return;
    candidate.isAlive = false;
    candidate.stop.abort();
    this.at(this.nowMs + ms, () => this.start(candidate.pod));
  }

  /** Writes every now and then, as long as it may: the last look is right before the bytes go out. */
  #act(candidate: Candidate): void {
    const { random, writeMs } = this.#options;
    this.at(this.nowMs + random() * 700, () =>
      this.#deliver(candidate, () => {
        if (candidate.stop.signal.aborted) return;
        try {
          candidate.election.check();
        } catch {
          return;
        }
        this.at(this.nowMs + random() * writeMs, () => this.#land(candidate));
        this.#act(candidate);
      }),
    );
  }

  /** A write arrives. Nobody else may have begun before. (Of a process's own pod: it has ended when the next one begins.) */
  #land(candidate: Candidate): void {
    this.writes += 1;
    const { electedMs = 0, pod } = candidate;
    const later = this.all.find((each) => each.pod !== pod && (each.electedMs ?? -1) > electedMs);
    if (later) this.faults.push(`${pod} wrote at ${this.nowMs}, ${later.pod} leads since ${later.electedMs}`);
  }

  /** Now, or when the process wakes; never, when it is dead. */
  #deliver(candidate: Candidate, run: () => void): void {
    if (!candidate.isAlive) return;
    const wakesMs = this.frozenMs.get(candidate.pod) ?? 0;
    if (wakesMs <= this.nowMs) run();
    else this.at(wakesMs, () => this.#deliver(candidate, run));
  }

  #door(self: Identity, owner: () => Candidate): LeaseDoor {
    const { random, latencyMs } = this.#options;
    const isCut = (): boolean => (this.cutMs.get(self.pod) ?? 0) > this.nowMs;
    /** There and back; what is lost ends with the signal alone. */
    const ask = <T>(signal: AbortSignal, serve: () => T, isWrite: boolean): Promise<T> => {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      signal.addEventListener('abort', () => reject(new Error('no answer')));
      if (!isCut()) {
        this.at(this.nowMs + random() * latencyMs, () => {
          const answer = serve();
          if (isCut() || (isWrite && this.deaf.delete(self.pod))) return;
          this.at(this.nowMs + random() * latencyMs, () => this.#deliver(owner(), () => resolve(answer)));
        });
      }
      return promise;
    };
    return {
      read: (signal) => ask(signal, () => this.record, false),
      write: (record, claim, signal) => ask(signal, () => this.#store(record, claim), true),
      follow: (signal, onRecord) => {
        const { promise, reject } = Promise.withResolvers<void>();
        const tell = (record: Record_): void => {
          if (isCut()) return;
          this.at(this.nowMs + latencyMs, () =>
            this.#deliver(owner(), () => {
              if (!signal.aborted) onRecord(record);
            }),
          );
        };
        tell(this.record);
        this.#followers.add(tell);
        signal.addEventListener('abort', () => {
          this.#followers.delete(tell);
          reject(new Error('ended'));
        });
        return promise;
      },
      close: () => undefined,
    };
  }

  #store(record: Record_, claim: LeaseClaim): Record_ {
    if (record?.version !== this.record?.version) return undefined;
    const { holder, leaseMs, nowMs, isTaking } = claim;
    const { transitions = 0 } = record ?? {};
    const spec = {
      holder,
      leaseMs,
      renewTime: String(nowMs),
      acquireTime: '',
      transitions: transitions + (isTaking ? 1 : 0),
    };
    this.edit(() => ({ version: '', ...spec }));
    return this.record;
  }
}
