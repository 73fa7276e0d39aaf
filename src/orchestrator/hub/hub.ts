/** The agents' sessions, and through them the one way to a cluster: who may connect, which session counts, what goes where. */

import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { SluiceError, messageOf } from '../../shared/errors.ts';
import type { AgentMessage__Output } from '../../protocol/gen/sluice/agent/v1/AgentMessage.ts';
import type { CheckReply } from '../../protocol/gen/sluice/agent/v1/CheckReply.ts';
import type { IssuedCredential } from '../../protocol/gen/sluice/agent/v1/IssuedCredential.ts';
import type { Operation, OperationResult } from '../../protocol/operation.ts';
import { decodeMissingRights } from '../../protocol/missing-rights.ts';
import { LIMITS } from '../../protocol/service.ts';
import type { CheckCall, EnrolCall, HubStream, RenewCall } from '../../protocol/service.ts';
import { decodeSnapshot } from '../../protocol/snapshot-codec.ts';
import { decodeStatus, isResult } from '../../protocol/status-codec.ts';
import type { Snapshot, Watch } from '../../protocol/snapshot.ts';
import type { Enrolment } from '../security/enrolment.ts';
import { closeAllSessions, closeSession, openSession } from '../store/agents.ts';
import type { AgentRow } from '../store/agents.ts';
import { raiseGenerations } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import type { AgentLink } from './agent-link.ts';
import { EnrolmentDesk } from './enrolment-desk.ts';
import { returnSpreadMs } from './handshakes.ts';
import { HUB_LIMITS } from './hub-limits.ts';
import type { HubObserver } from './hub-observer.ts';
import type { HubLimits } from './hub-limits.ts';
import { OperationDesk } from './operation-desk.ts';
import { Reception } from './reception.ts';
import type { Guest } from './reception.ts';
import type { Refusal } from './refusal.ts';
import { sessionAge } from './rotation.ts';
import { refusedCall } from './refused-call.ts';
import { Sentinel } from './sentinel.ts';
import { Session } from './session.ts';
import { TrustDesk } from './trust-desk.ts';
import type { TrustDeskOptions } from './trust-desk.ts';
import { WatchDesk } from './watch-desk.ts';

export interface HubOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** Default: nobody counts. */
  observer?: HubObserver | undefined;
  /** Gives agents their credentials; undefined: none enrols here. */
  enrolment?: Enrolment | undefined;
  /** Tells them by whom the hub's certificate is signed; undefined: it has none. */
  trust?: Omit<TrustDeskOptions, 'store' | 'log' | 'sessions'> | undefined;
  /** Default: 15 s. */
  heartbeatMs?: number | undefined;
  /** Default: `HUB_LIMITS`. */
  limits?: Partial<HubLimits> | undefined;
  /** Uniform in [0, 1). Default: `Math.random`. */
  random?: (() => number) | undefined;
}

/** Two agents with one credential would take turns for ever; this long each, so that a person sees it. */
const REPLACED = { reconnectAfterMs: 30_000, spreadMs: 10_000 };
const STOPPING = { reconnectAfterMs: 500, spreadMs: 1_000 };
const REVOKED = { reconnectAfterMs: 0, spreadMs: 1_000 };
/** Ids are ours, and short: a longer one is made up, and would be kept and sent back. */
const LONGEST_ID = 256;

export class Hub implements AgentLink {
  readonly #options: HubOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #operations: OperationDesk;
  readonly #watches: WatchDesk;
  readonly #limits: HubLimits;
  readonly #sentinel: Sentinel;
  readonly #reception: Reception;
  readonly #enrolments: EnrolmentDesk | undefined;
  readonly #trust: TrustDesk | undefined;
  /** Accounts whose set of watches is to be sent once the caller has made all its changes. */
  readonly #unsent = new Set<string>();
  /** Farewells being written to the store. */
  readonly #farewells = new Set<Promise<void>>();
  #isStopping = false;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#operations = new OperationDesk(options);
    this.#watches = new WatchDesk((account) => this.#watchesChanged(account));
    const { random = Math.random } = options;
    this.#limits = { ...HUB_LIMITS, ...options.limits };
    this.#sentinel = new Sentinel({ ...options, limits: this.#limits });
    this.#reception = new Reception({ ...options, random, limits: this.#limits, sentinel: this.#sentinel });
    const { enrolment, trust } = options;
    this.#enrolments = enrolment && this.#deskOf(enrolment);
    this.#trust = trust && new TrustDesk({ ...options, ...trust, sessions: () => [...this.#sessions.values()] });
  }

  #deskOf(enrolment: Enrolment): EnrolmentDesk {
    const [limits, sentinel] = [this.#limits, this.#sentinel];
    return new EnrolmentDesk({
      ...this.#options,
      enrolment,
      limits,
      sentinel,
      identify: (call) => this.#reception.identify(call),
      replaced: (account, reason) => this.endSession(account, reason),
    });
  }

  /** Takes up what the last process left. Before the first agent connects, and before the first `execute`. */
  async start(): Promise<void> {
    const { store, clock } = this.#options;
    await closeAllSessions(store, 'the orchestrator was restarted');
    await raiseGenerations(store, clock.now());
    await this.#operations.restore();
  }

  /** Sends every agent away; results that come no more are given again to the next process. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const spreadMs = returnSpreadMs(this.#sessions.size, this.#limits, STOPPING.spreadMs);
    for (const session of this.#sessions.values()) session.goAway('the orchestrator stops', { ...STOPPING, spreadMs });
    this.#operations.close();
    await Promise.all(this.#farewells);
    await this.#trust?.stop();
    await this.#sentinel.settled();
  }

  async execute(
    account: string,
    operation: Operation,
    signal?: AbortSignal,
    { cancel }: { cancel?: AbortSignal } = {},
  ): Promise<OperationResult> {
    signal?.throwIfAborted();
    const result = this.#operations.execute(account, operation);
    const takeBack = (): void => this.cancel(operation.id);
    if (cancel?.aborted) takeBack();
    cancel?.addEventListener('abort', takeBack, { once: true });
    try {
      return signal ? await unlessAborted(result, signal) : await result;
    } finally {
      cancel?.removeEventListener('abort', takeBack);
    }
  }

  cancel(operationId: string): void {
    this.#operations.cancel(operationId);
  }

  watch(account: string, watch: Watch): void {
    this.#watches.set(account, watch);
  }

  unwatch(account: string, watchId: string): void {
    this.#watches.remove(account, watchId);
  }

  latest(watchId: string): Snapshot | undefined {
    return this.#watches.latest(watchId);
  }

  onSnapshot(watchId: string, listener: (snapshot: Snapshot | undefined) => void): () => void {
    return this.#watches.listen(watchId, listener);
  }

  isConnected(account: string): boolean {
    return this.#sessions.has(account);
  }

  /** Accounts with a live session. */
  get connectedAccounts(): string[] {
    return [...this.#sessions.keys()];
  }

  /** Messages that an account's agent has not taken yet. */
  waiting(account: string): number {
    return this.#sessions.get(account)?.waiting ?? 0;
  }

  /** Ends an account's session at once: its credential was revoked or replaced. */
  endSession(account: string, reason: string): void {
    this.#sessions.get(account)?.goAway(reason, REVOKED);
    this.#trust?.look();
  }

  /** Resolves when what is told of authorities now is told. */
  async settledTrust(): Promise<void> {
    await this.#trust?.settled();
  }

  /** Serves one call of `Enrol`. @throws what the call is to end with. */
  async enrol(call: EnrolCall): Promise<IssuedCredential> {
    return this.#required().enrol(call);
  }

  /** Serves one call of `Renew`. @throws what the call is to end with. */
  async renew(call: RenewCall): Promise<IssuedCredential> {
    return this.#required().renew(call);
  }

  #required(): EnrolmentDesk {
    if (this.#enrolments) return this.#enrolments;
    throw refusedCall(status.UNIMPLEMENTED, 'No agent enrols here.');
  }

  /** Serves one call of `Connect`. Never rejects. */
  async connect(stream: HubStream): Promise<void> {
    stream.on('error', () => {}); // unheard, it would end the process; the session hears it too
    try {
      const guest = await this.#reception.receive(stream);
      if (guest) await this.#greet(stream, guest);
    } catch (err) {
      this.#options.log.error({ err, peer: stream.getPeer() }, 'session could not begin');
      this.#reception.postpone(stream, `The orchestrator cannot take a session now: ${messageOf(err)}`);
    }
  }

  /** Serves one call of `Check`. @throws what the call is to end with. */
  async check(call: CheckCall): Promise<CheckReply> {
    const { account, terms } = await this.#reception.check(call);
    return {
      account,
      protocol: terms.protocol,
      serverTimeMs: this.#options.clock.now(),
      orchestratorVersion: packageJson.version,
      connected: this.isConnected(account),
    };
  }

  async #greet(stream: HubStream, guest: Guest): Promise<void> {
    const { account, hello, terms } = guest;
    const { instanceId, agentVersion, kubernetesVersion, allowedNamespaces: namespaces, lastEpoch } = hello;
    if (this.#isStopping) {
      this.#refuse(stream, account, 'RETRY', 'The orchestrator stops.', 1_000);
      return;
    }
    const { protocol } = terms;
    const missingRights = hello.rightsReviewed ? decodeMissingRights(hello.missingRights) : null;
    const versions = { agentVersion, kubernetesVersion, protocol };
    const facts = { instanceId, ...versions, missingRights, namespaces, lastEpoch, serial: guest.serial };
    const row = await openSession(this.#options.store, account, facts);
    if (!row) {
      this.#refuse(stream, account, 'UNAUTHENTICATED', `The credential of ${account} is revoked.`);
      return;
    }
    if (stream.cancelled) {
      // It went away meanwhile; its farewell event has passed unheard.
      await closeSession(this.#options.store, account, row.epoch, 'the connection was lost');
      return;
    }
    const current = this.#sessions.get(account);
    if (current && current.facts.epoch > row.epoch) {
      // A newer one came while this one was being written down.
      this.#refuse(stream, account, 'FENCED', `A newer session of ${account} is live: ${whoIs(current.facts)}.`);
      return;
    }
    this.#sentinel.visit(account, { instanceId, peer: guest.peer, takesOver: current?.isFresh ?? false });
    if (current) this.#replace(current, guest);
    this.#begin(stream, guest, row);
  }

  #begin(stream: HubStream, { account, hello, terms, peer }: Guest, row: AgentRow): void {
    const { epoch } = row;
    const { clock, log, random = Math.random, heartbeatMs = LIMITS.heartbeatMs } = this.#options;
    const { instanceId, agentVersion, kubernetesVersion } = hello;
    const dueMs = clock.now() + sessionAge(this.#limits, random);
    const session = new Session({
      facts: { id: randomUUID(), account, instanceId, peer, epoch, terms, heartbeatMs, dueMs },
      stream,
      clock,
      log,
      limits: this.#limits,
      watches: () => this.#watches.of(account),
      inFlight: (of) => this.#operations.held(of),
      onMessage: (from, message) => this.#take(from, message),
      onEnd: (ended, reason) => this.#ended(ended, reason),
    });
    this.#sessions.set(account, session);
    this.#options.observer?.sessionBegan();
    session.welcome();
    session.sendWatches();
    this.#trust?.begin(session, row);
    const held = new Set(hello.openOperations.map((operation) => operation.id));
    this.#operations.attach(account, session, held);
    const versions = { agent_version: agentVersion, kubernetes_version: kubernetesVersion };
    log.info({ account, instance: instanceId, epoch, ...versions, peer }, 'agent connected');
  }

  #replace(current: Session, { account, hello: { instanceId }, peer }: Guest): void {
    const { instanceId: older } = current.facts;
    const isOther = older !== instanceId;
    if (isOther) this.#options.log.warn({ account, older, newer: instanceId }, 'another agent took over the account');
    const reason = isOther
      ? `another agent (${whoIs({ instanceId, peer })}) connected as ${account}`
      : 'the agent connected anew';
    current.goAway(reason, REPLACED);
  }

  #refuse(stream: HubStream, account: string, code: Refusal['code'], message: string, retryAfterMs = 0): void {
    this.#reception.refuse(stream, account, { code, message, retryAfterMs });
  }

  /**
   * Which results count. A session that is over is not heard (its stream is not read): what it still had to say comes again in
   * the account's live session, since nothing of it was acknowledged. In the live session a result counts whichever session
   * delivered the operation (an agent keeps it across them), unless it names an epoch that is still to come, or an operation
   * that was never sent. Of several results of one operation the first that is stored holds.
   */
  #take(session: Session, message: AgentMessage__Output): Promise<void> | undefined {
    const { account, epoch } = session.facts;
    if (message.snapshot) this.#watches.take(account, decodeSnapshot(message.snapshot));
    if (message.holds) this.#trust?.heard(account, message.holds);
    if (!message.status) return undefined;
    if (message.status.id.length > LONGEST_ID) throw new SluiceError('PROTOCOL', 'It names an operation that is none.');
    const decoded = decodeStatus(message.status);
    // Of a session that was never: nothing we sent can have had that epoch.
    if (decoded.epoch > epoch || !isResult(decoded.status)) return undefined;
    // What the agent did is true whichever session brings it. That it did not heed an older session is no end of the operation:
    // this session has sent it, or will.
    const { state, code } = decoded.status;
    if (decoded.epoch < epoch && state === 'rejected' && code === 'SUPERSEDED') return;
    return this.#finish(session, decoded.status);
  }

  async #finish(session: Session, result: OperationResult): Promise<void> {
    try {
      await this.#operations.finish(session.facts.account, result);
      if (session.isOver) return;
      session.resultStored(result.id);
      session.maybeIdle();
    } catch (err) {
      this.#options.log.error({ err, operation: result.id }, 'result could not be stored');
      // Not acknowledged, it is sent again in the next session.
      session.goAway('the orchestrator cannot store results now', STOPPING);
    }
  }

  #ended(session: Session, reason: string): void {
    const { account, epoch } = session.facts;
    this.#operations.detach(account, session);
    if (this.#sessions.get(account) === session) {
      this.#sessions.delete(account);
      this.#watches.forget(account);
    }
    const { store, log } = this.#options;
    log.info({ account, epoch, reason }, 'agent disconnected');
    const farewell = closeSession(store, account, epoch, reason).catch((err: unknown) =>
      log.warn({ err, account }, 'end of a session could not be stored'),
    );
    this.#farewells.add(farewell);
    void farewell.finally(() => this.#farewells.delete(farewell));
  }

  /** A run names its watches one after the other: they go out together. */
  #watchesChanged(account: string): void {
    if (this.#unsent.size === 0) queueMicrotask(() => this.#sendWatches());
    this.#unsent.add(account);
  }

  #sendWatches(): void {
    for (const account of this.#unsent) this.#sessions.get(account)?.sendWatches();
    this.#unsent.clear();
  }
}

function whoIs({ instanceId, peer }: { instanceId: string; peer: string }): string {
  return `${instanceId} at ${peer}`;
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void =>
    reject(signal.reason instanceof Error ? signal.reason : new SluiceError('ABORTED', 'The wait was given up.'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
