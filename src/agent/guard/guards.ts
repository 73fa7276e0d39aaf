/** The guards of this agent: found on their holders from its start, put there and taken off by operations. */

import { SluiceError } from '../../shared/errors.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { GuardSpec, Operation } from '../../protocol/operation.ts';
import type { Refusal } from '../dispatch/admission.ts';
import type { Health } from '../health/health.ts';
import { markPatch } from '../health/reduce-guard.ts';
import type { GuardOrder, GuardRecord } from '../health/reduce-guard.ts';
import type { ListWatch } from '../kubernetes/list-watch.ts';
import type { Cluster, WriteHolder } from '../operations/context.ts';
import { policyError } from '../operations/policy.ts';
import type { Policy } from '../operations/policy.ts';
import { GUARDED_KINDS, blindness, restartsOf } from './facts.ts';
import { Guarded } from './guarded.ts';
import { HOLDER_KINDS, holderKindOf, watchHolders } from './holder.ts';
import type { Holder, HolderKind } from './holder.ts';
import { refusalFor, writtenBy } from './refusal.ts';
import { orderProblem } from './writes.ts';

export interface GuardsOptions {
  cluster: Cluster;
  health: Pick<Health, 'pin'>;
  clock: Clock;
  /** Milliseconds that never jump; by it the orchestrator's silence is measured. Default: the process's. */
  monotonicMs?: () => number;
  log: Log;
  random: () => number;
  policy: Policy;
  /** One has fired, and sends all traffic to the stable. */
  onFired?: () => void;
}

export interface GuardLine extends Pick<GuardRecord, 'state' | 'reason' | 'at'> {
  /** `shop/splits/web` */
  holder: string;
  rollout: string;
}

/** The longest a timer can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Guards {
  #options: GuardsOptions;
  #monotonicMs: () => number;
  #watches = new Map<string, ListWatch<Holder>>();
  #guards = new Map<string, Guarded>();
  #lastContactMs: number;
  #isSilent = false;
  #cancelTimer: (() => void) | undefined;
  #stop = new AbortController();
  /** Called at each change of anything a guard looks at. */
  #listeners = new Set<() => void>();

  constructor(options: GuardsOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#lastContactMs = this.#monotonicMs();
  }

  /** Begins to look for what is armed already; what is found is watched at once. Needs no orchestrator. */
  start(): void {
    const { cluster, clock, log, random, policy } = this.#options;
    // It may have stood by for days before.
    this.#lastContactMs = this.#monotonicMs();
    for (const namespace of policy.allowedNamespaces) {
      for (const kind of Object.keys(HOLDER_KINDS) as HolderKind[]) {
        const watch = watchHolders({
          kind,
          namespace,
          api: cluster.api,
          clock,
          log,
          random,
          policy,
          onChange: (name, holder) => this.#take(keyOf(kind, namespace, name), holder),
          onState: () => this.#changed(),
        });
        this.#watches.set(`${namespace}/${kind}`, watch);
        void watch.run(this.#stop.signal);
      }
    }
  }

  /** A word of the orchestrator. */
  contact(): void {
    this.#lastContactMs = this.#monotonicMs();
    if (!this.#isSilent) return;
    this.#isSilent = false;
    this.#lookAll();
    this.#setTimer();
  }

  /**
   * Stores a guard on its holder. When this resolves it is watched, with a whole and live picture.
   * @throws SluiceError POLICY, INVALID; KubeError; UNAVAILABLE when `signal` aborts before that.
   */
  async arm(operation: Operation, spec: GuardSpec, write: WriteHolder, signal: AbortSignal): Promise<void> {
    const { namespace, id } = operation;
    const { kind: _kind, disarm: _disarm, ...order } = spec;
    const key = this.#holderOf(order, namespace);
    const pin = this.#options.health.pin(namespace, GUARDED_KINDS, () => this.#changed());
    if (!pin) throw policyError(`namespace ${namespace} is not one of its allowed namespaces`);
    try {
      await this.#until(() => blindness(pin.view), signal);
      const restarts = restartsOf(order.canaryHash, pin.view);
      const at = new Date(this.#options.clock.now()).toISOString();
      const record: GuardRecord = { state: 'armed', reason: '', at, operation: id, restarts, spec: order };
      await write({ metadata: markPatch(record) });
      const isKnown = (): boolean => this.#guards.get(key)?.record.operation === id;
      await this.#until(() => (isKnown() ? '' : `${order.holder.kind} ${order.holder.name} does not show it`), signal);
    } finally {
      pin.release();
    }
  }

  /** Takes the guard off. Returns whether there was one. @throws KubeError; UNAVAILABLE when `signal` aborts before it is off. */
  async disarm(operation: Operation, spec: GuardSpec, write: WriteHolder, signal: AbortSignal): Promise<boolean> {
    const { namespace } = operation;
    const kind = holderKindOf(spec.holder);
    const key = kind && keyOf(kind, namespace, spec.holder.name);
    this.#watches.get(`${namespace}/${kind}`)?.revisit();
    const guard = key === undefined ? undefined : this.#guards.get(key);
    // From here on it must not fire: what comes next may be the end of the canary.
    if (guard) guard.disarming = true;
    try {
      await write({ metadata: markPatch(undefined) });
      const isGone = (): boolean => key === undefined || this.#guards.get(key) !== guard;
      if (guard) await this.#until(() => (isGone() ? '' : `${spec.holder.name} still shows it`), signal);
      return guard !== undefined;
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'NOT_FOUND') return guard !== undefined;
      if (guard) {
        guard.disarming = false;
        guard.look();
      }
      throw error;
    }
  }

  /**
   * Why an operation whose turn has come must not run: a guard holds what it would write, and has fired.
   * Waits until what is stored has been read, so that an agent that has just started knows as well.
   * @throws SluiceError UNAVAILABLE where it cannot be read, or `signal` aborts before it is.
   */
  async refusalFor(operation: Operation, signal: AbortSignal): Promise<Refusal | undefined> {
    const objects = writtenBy(operation.spec);
    if (objects.length === 0 || operation.afterGuard === true) return undefined;
    await this.#untilRead(operation.namespace, signal);
    return refusalFor(operation, objects, this.#guardsIn(operation.namespace));
  }

  /** An operation that was let through has ended: a guard that fired meanwhile makes its writes once more. */
  settled(operation: Operation): void {
    if (operation.afterGuard === true) return;
    const objects = writtenBy(operation.spec);
    for (const guard of this.#guardsIn(operation.namespace)) {
      if (objects.some((object) => guard.covers(object))) guard.repeat();
    }
  }

  /** What is guarded now, for people. */
  list(): GuardLine[] {
    return [...this.#guards].map(([holder, { record }]) => {
      const { state, reason, at, spec } = record;
      return { holder, rollout: spec.rollout, state, reason, at };
    });
  }

  /** How long what is found of guards has not followed the cluster, one entry for each kind and namespace. */
  staleness(): [kind: HolderKind, staleMs: number][] {
    return [...this.#watches].map(([key, { staleMs }]) => [key.split('/')[1] as HolderKind, staleMs]);
  }

  /** How long the orchestrator has not been heard. */
  get silentMs(): number {
    return this.#monotonicMs() - this.#lastContactMs;
  }

  stop(): void {
    this.#stop.abort();
    this.#cancelTimer?.();
    for (const guard of this.#guards.values()) guard.stop();
    this.#guards.clear();
  }

  /** A holder has come, changed or gone. */
  #take(key: string, holder: Holder | undefined): void {
    const known = this.#guards.get(key);
    const guard = holder?.guard;
    if (typeof guard === 'string' && holder) {
      const { namespace, name } = holder;
      this.#options.log.error({ namespace, holder: name, reason: guard }, 'guard cannot be used: nothing guards');
    }
    if (!holder || typeof guard !== 'object') this.#forget(key);
    else if (known?.record.operation === guard.operation) known.renew(holder);
    else this.#begin(key, holder, guard);
    this.#changed();
  }

  #begin(key: string, holder: Holder, record: GuardRecord): void {
    const { cluster, clock, random, health, log } = this.#options;
    const { namespace, name } = holder;
    const { state, spec, reason } = record;
    // First the new pin: what is watched already is not to be listed anew.
    const pin = health.pin(namespace, GUARDED_KINDS, () => {
      this.#guards.get(key)?.look();
      this.#changed();
    });
    this.#forget(key);
    const onNudge = (retry: () => void): (() => void) => this.#listen(retry);
    const guarded = new Guarded(holder, record, {
      now: () => clock.now(),
      silentMs: () => this.silentMs,
      onFired: () => this.#options.onFired?.(),
      log,
      writing: { cluster, namespace, random, onNudge },
      pin,
    });
    this.#guards.set(key, guarded);
    log.info({ namespace, holder: name, rollout: spec.rollout, state, reason }, 'guard is on watch');
    this.#setTimer();
  }

  #forget(key: string): void {
    this.#guards.get(key)?.stop();
    this.#guards.delete(key);
  }

  /** The key of a guard that is to be armed. @throws SluiceError */
  #holderOf(order: GuardOrder, namespace: string): string {
    const kind = holderKindOf(order.holder);
    if (!kind) throw new SluiceError('INVALID', `${order.holder.kind} ${order.holder.name} can hold no guard.`);
    const problem = orderProblem(order, namespace, this.#options.policy);
    if (problem !== undefined) throw policyError(`the guard is not one that may be armed. ${problem}`);
    // Its kind may have come since the last look.
    this.#watches.get(`${namespace}/${kind}`)?.revisit();
    return keyOf(kind, namespace, order.holder.name);
  }

  #guardsIn(namespace: string): Guarded[] {
    return [...this.#guards].filter(([key]) => key.startsWith(`${namespace}/`)).map(([, guard]) => guard);
  }

  async #untilRead(namespace: string, signal: AbortSignal): Promise<void> {
    const watches = (Object.keys(HOLDER_KINDS) as HolderKind[]).flatMap(
      (kind) => this.#watches.get(`${namespace}/${kind}`) ?? [],
    );
    const isOpen = ({ listed, state }: ListWatch<Holder>): boolean => !listed && state === 'starting';
    await this.#until(() => (watches.some(isOpen) ? `guards in ${namespace} have not been read yet` : ''), signal);
    const broken = watches.find(({ listed, state }) => !listed && state === 'broken');
    if (!broken) return;
    const message = `Which guards there are in ${namespace} cannot be read, so nothing is written that one may hold: ${broken.reason}`;
    throw new SluiceError('UNAVAILABLE', message, { disposition: 'retry' });
  }

  /** Resolves once nothing is missing any more. @throws SluiceError when `signal` aborts before. */
  async #until(missing: () => string, signal: AbortSignal): Promise<void> {
    if (missing() === '') return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const forget = this.#listen(() => {
      if (missing() === '') resolve();
    });
    const onAbort = (): void => reject(new SluiceError('UNAVAILABLE', `Waited in vain: ${missing()}.`));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    await promise.finally(() => {
      forget();
      signal.removeEventListener('abort', onAbort);
    });
  }

  #listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #lookAll(): void {
    for (const guard of this.#guards.values()) guard.look();
  }

  /** One timer, for the guard that would be the first to miss the orchestrator; a word that comes meanwhile is found at its end. */
  #setTimer(): void {
    this.#cancelTimer?.();
    const { silentMs } = this;
    const limits = [...this.#guards.values()].flatMap(({ record }) => record.spec.lostContact?.afterMs ?? []);
    if (limits.some((limitMs) => silentMs >= limitMs)) this.#isSilent = true;
    const waits = limits.map((limitMs) => limitMs - silentMs).filter((ms) => ms > 0);
    if (waits.length === 0) return;
    this.#cancelTimer = this.#options.clock.after(Math.min(...waits, LONGEST_TIMER_MS), () => {
      this.#lookAll();
      this.#setTimer();
    });
  }
}

function keyOf(kind: HolderKind, namespace: string, name: string): string {
  return `${namespace}/${kind}/${name}`;
}
