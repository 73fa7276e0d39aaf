/** One rollout's run: durable calls to its agent, events, timers and waits, numbered so that a replay finds them again. */

import type {
  Operation,
  OperationKind,
  OperationResult,
  OperationSpec,
  ResultValue,
} from '../../../protocol/operation.ts';
import type { Snapshot, Watch } from '../../../protocol/snapshot.ts';
import { pause } from '../../../shared/clock.ts';
import { Aborted, OperationFault } from './fault.ts';
import type { Control, Entry, RolloutChange, RunPorts } from './ports.ts';
import { waitFor, type WaitEnd, type Wanted } from './wait.ts';

export interface RunIdentity {
  rolloutId: string;
  deploymentId: string;
  application: string;
  target: string;
  account: string;
  namespace: string;
  /** Milliseconds since the epoch: when the deployment began. */
  startedMs: number;
}

/** An operation that the agent has not begun by then is refused and asked anew: nothing is done late. */
const OPERATION_TIMEOUT_MS = 60_000;
/** Between two tries of an operation that met an unavailable API server. */
const RETRY_MS = 2_000;

/** Not waited for when a person aborts. A write is never taken back: whether it was done must be known. */
const READS: ReadonlySet<OperationKind> = new Set(['get', 'list', 'discover', 'reviewAccess', 'logs', 'scrape']);

export type SpecOf<K extends OperationKind> = Extract<OperationSpec, { kind: K }>;

export class Run {
  readonly identity: RunIdentity;
  readonly #ports: RunPorts;
  #events = 0;
  #told: Promise<void> = Promise.resolve();
  #operations = 0;
  #timers = 0;
  /** Of the strategy, from 1, as it was told. */
  #strategyStep = 0;
  /** The newest control that was acted on. */
  #handled = 0;
  /** Past the point of no return an abort is heard, told and not obeyed. */
  canAbort = true;
  /** What it writes may undo what a guard that has fired did: a rollback does the same. */
  afterGuard = false;

  constructor(ports: RunPorts, identity: RunIdentity) {
    this.#ports = ports;
    this.identity = identity;
  }

  get metrics(): RunPorts['metrics'] {
    return this.#ports.metrics;
  }

  /** How long the last requests to pods have, once traffic has moved away from them. */
  get drainMs(): number {
    return this.#ports.drainMs;
  }

  /** Milliseconds since the epoch, recorded: a replay sees the same. */
  now(): Promise<number> {
    return this.step('now', () => Promise.resolve(this.#ports.clock.now()));
  }

  step<T>(name: string, act: () => Promise<T>): Promise<T> {
    return this.#ports.durable.step(name, act);
  }

  /** Has the agent watch the run's workload. Not recorded: a replay asks again, as the hub has forgotten. */
  watch(watch: Omit<Watch, 'id' | 'namespace'>): void {
    const { rolloutId, account, namespace } = this.identity;
    this.#ports.link.watch(account, { ...watch, id: rolloutId, namespace });
  }

  unwatch(): void {
    this.#ports.link.unwatch(this.identity.account, this.identity.rolloutId);
  }

  /**
   * Writes an event, and with it what is new about the rollout, in order and behind the run's back: a step does not wait for
   * the database to hear of it (step to step that cost two commits). Lost in a crash, it is said again by the replay; said
   * twice, its number decides.
   */
  say(kind: string, message: string, rollout?: RolloutChange, detail?: Record<string, unknown>): Promise<void> {
    const { deploymentId, rolloutId } = this.identity;
    this.#strategyStep = rollout?.step ?? this.#strategyStep;
    const entry: Entry = {
      deploymentId,
      rolloutId,
      seq: ++this.#events,
      kind,
      message,
      ...(rollout === undefined ? {} : { rollout }),
      ...(detail === undefined ? {} : { detail }),
    };
    this.#told = this.#told.then(() => this.#ports.ledger.record(entry));
    // Heard by `flush`; until then a rejection must not end the process.
    this.#told.catch(() => undefined);
    return Promise.resolve();
  }

  /** Everything said is written. @throws what the store threw. */
  flush(): Promise<void> {
    return this.#told;
  }

  /** Runs an operation to its end, whatever that is; asks again while the agent is away or its API server does not answer. */
  async attempt(what: string, spec: OperationSpec): Promise<OperationResult> {
    const number = ++this.#operations;
    for (let attempt = 1; ; attempt++) {
      const id = `${this.identity.rolloutId}/${number}${attempt === 1 ? '' : `.${attempt}`}`;
      const result = await this.step(what, () => this.#execute(id, spec));
      if (!isOpen(result)) return result;
      const { state, message } = result;
      const isAway = state === 'expired' || state === 'cancelled';
      const why = isAway ? `no answer from the agent of ${this.identity.account}` : message;
      if (state !== 'cancelled') await this.say('warning', `${what}: ${why}; trying again`);
      if (!isAway) await this.step('retry', () => pause(RETRY_MS));
      // Nobody may be left waiting for an agent that never comes back: an abort is heard between two tries.
      else if (this.canAbort) await this.wait('agent away', { timer: this.timer(0), unwatched: true });
    }
  }

  /**
   * Several operations at once, none waiting for another, as one durable step.
   * Where the API server did not answer for one, that one is tried on by itself.
   */
  async attemptAll(what: string, specs: OperationSpec[]): Promise<OperationResult[]> {
    const number = ++this.#operations;
    const { rolloutId } = this.identity;
    const results = await this.step(what, () =>
      Promise.all(specs.map((spec, index) => this.#execute(`${rolloutId}/${number}-${index}`, spec))),
    );
    const final: OperationResult[] = [];
    for (const [index, spec] of specs.entries()) {
      const result = results[index];
      final.push(result === undefined || isOpen(result) ? await this.attempt(what, spec) : result);
    }
    return final;
  }

  #execute(id: string, spec: OperationSpec): Promise<OperationResult> {
    const { account, deploymentId, namespace } = this.identity;
    const notAfterMs = this.#ports.clock.now() + OPERATION_TIMEOUT_MS;
    const operation: Operation = { id, deploymentId, namespace, notAfterMs, spec };
    if (this.afterGuard) operation.afterGuard = true;
    const { link, durable } = this.#ports;
    if (!this.canAbort || !READS.has(spec.kind)) return link.execute(account, operation, durable.stopping);
    const { signal, stop } = this.#onAbort();
    return link.execute(account, operation, durable.stopping, { cancel: signal }).finally(stop);
  }

  /** Aborts when a person asks for it from now on; what was asked before is heard at the next wait. */
  #onAbort(): { signal: AbortSignal; stop: () => void } {
    const { ledger } = this.#ports;
    const { rolloutId, deploymentId } = this.identity;
    const abort = new AbortController();
    const look = async (): Promise<void> => {
      const controls = await ledger.controlsAfter(rolloutId, deploymentId, this.#handled);
      if (controls.some(({ kind }) => kind === 'abort')) abort.abort();
    };
    // A look that fails takes nothing back: the abort is still there at the next wait.
    const stop = ledger.onControl(deploymentId, () => void look().catch(() => undefined));
    return { signal: abort.signal, stop };
  }

  /** Runs an operation that must succeed. @throws OperationFault with the agent's words. */
  async call<K extends OperationKind>(what: string, spec: SpecOf<K> & { kind: K }): Promise<ResultValue[K]> {
    const result = await this.attempt(what, spec);
    if (result.state !== 'succeeded') throw new OperationFault(what, result);
    // The agent's value is of the kind that was asked for: the protocol says so.
    return result.value as ResultValue[K];
  }

  /** Runs an operation that has to succeed in the end (a rollback, a clean-up): says that it is stuck, and tries on. */
  async insist(what: string, spec: OperationSpec): Promise<void> {
    for (;;) {
      const result = await this.attempt(what, spec);
      if (result.state === 'succeeded' || result.code === 'NOT_FOUND') return;
      const reason = `${what} failed: ${result.message} (${result.code}); trying again every 10 s`;
      await this.say('warning', reason, { state: 'stalled', reason });
      await this.drain(10_000);
      await this.say('rollout.phase', `${what}: trying again`, { state: 'running', reason: '' });
    }
  }

  /** A timer of its own, to be shared by waits that belong together. */
  timer(limitMs: number): { id: number; limitMs: number } {
    return { id: ++this.#timers, limitMs };
  }

  /**
   * Waits, durably. An abort ends it with `Aborted`; past the point of no return it is only said.
   * @param approvals also ends at an approval that is newer than the wait.
   */
  async wait<T>(
    what: string,
    wanted: Pick<Wanted<T>, 'met' | 'timer' | 'unwatched'>,
    approvals = false,
  ): Promise<WaitEnd<T>> {
    for (;;) {
      const end = await this.step(what, () =>
        waitFor<T>(this.#ports, this.#waiter(), {
          ...wanted,
          after: this.#handled,
          wants: (control) => this.#wants(control, approvals),
        }),
      );
      if (end.kind !== 'control') return end;
      this.#handled = end.control.id;
      if (end.control.kind === 'approve') return end;
      if (this.canAbort) throw new Aborted(end.control.by, end.control.reason);
      await this.say('warning', `abort by ${end.control.by} comes too late: the run can only go forward now`);
    }
  }

  #wants(control: Control, approvals: boolean): boolean {
    if (control.kind === 'abort') return true;
    return approvals && (control.step === undefined || control.step === this.#strategyStep);
  }

  #waiter(): { rolloutId: string; deploymentId: string; watchId: string } {
    const { rolloutId, deploymentId } = this.identity;
    return { rolloutId, deploymentId, watchId: rolloutId };
  }

  /**
   * Waits for what has to come, since there is no way back: after a minute it says that it is stuck, and why, and waits on.
   * @param limitMs how long it waits before it says so.
   */
  async forward<T>(stuck: string, met: (snapshot: Snapshot) => T | undefined, limitMs = 60_000): Promise<T> {
    const soon = await this.wait('forward', { met, timer: this.timer(limitMs) });
    if (soon.kind === 'met') return soon.value;
    await this.say('warning', stuck, { state: 'stalled', reason: stuck });
    for (;;) {
      const end = await this.wait('forward', { met });
      if (end.kind !== 'met') continue;
      await this.say('rollout.phase', 'goes on', { state: 'running', reason: '' });
      return end.value;
    }
  }

  /** Approvals given so far do not count for a wait that begins now. */
  async forgetApprovals(): Promise<void> {
    const { rolloutId, deploymentId } = this.identity;
    const controls = await this.step('forget approvals', () =>
      this.#ports.ledger.controlsAfter(rolloutId, deploymentId, this.#handled),
    );
    const firstAbort = controls.findIndex(({ kind }) => kind === 'abort');
    const stale = firstAbort < 0 ? controls : controls.slice(0, firstAbort);
    this.#handled = stale.at(-1)?.id ?? this.#handled;
  }

  /** Lets requests in flight end: time passes, nobody needs to watch. */
  async drain(ms: number): Promise<void> {
    await this.wait('drain', { timer: this.timer(ms), unwatched: true });
  }
}

/** The agent was away, its API server did not answer, or an abort took it back: nothing is decided, it is asked again. */
function isOpen({ state, code }: OperationResult): boolean {
  return state === 'expired' || state === 'cancelled' || code === 'UNAVAILABLE' || code === 'TIMEOUT';
}
