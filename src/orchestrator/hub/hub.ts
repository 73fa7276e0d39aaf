/** The agents' sessions, and through them the one way to a cluster: who may connect, which session counts, what goes where. */

import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { SluiceError, messageOf } from '../../shared/errors.ts';
import type { AgentMessage__Output } from '../../protocol/gen/sluice/agent/v1/AgentMessage.ts';
import type { Hello__Output } from '../../protocol/gen/sluice/agent/v1/Hello.ts';
import type { Operation, OperationResult } from '../../protocol/operation.ts';
import { LIMITS, encodeHubMessage } from '../../protocol/service.ts';
import type { HubStream } from '../../protocol/service.ts';
import { decodeSnapshot } from '../../protocol/snapshot-codec.ts';
import { decodeStatus, isResult } from '../../protocol/status-codec.ts';
import type { Snapshot, Watch } from '../../protocol/snapshot.ts';
import { closeAllSessions, closeSession, openSession } from '../store/agents.ts';
import type { Store } from '../store/store.ts';
import { admit } from './admission.ts';
import type { Terms } from './admission.ts';
import type { AgentLink } from './agent-link.ts';
import { firstHello } from './first-hello.ts';
import { identify, presentedBy } from './identify.ts';
import { OperationDesk } from './operation-desk.ts';
import { Session } from './session.ts';
import { WatchDesk } from './watch-desk.ts';

export interface HubOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** Default: 15 s. */
  heartbeatMs?: number | undefined;
}

/** Two agents with one credential would take turns for ever; this long each, so that a person sees it. */
const REPLACED = { reconnectAfterMs: 30_000, spreadMs: 10_000 };
const STOPPING = { reconnectAfterMs: 500, spreadMs: 1_000 };
const REVOKED = { reconnectAfterMs: 0, spreadMs: 1_000 };

export class Hub implements AgentLink {
  readonly #options: HubOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #operations: OperationDesk;
  readonly #watches: WatchDesk;
  /** Accounts whose set of watches is to be sent once the caller has made all its changes. */
  readonly #unsent = new Set<string>();
  /** Farewells being written to the store. */
  readonly #farewells = new Set<Promise<void>>();
  #isStopping = false;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#operations = new OperationDesk(options);
    this.#watches = new WatchDesk((account) => this.#watchesChanged(account));
  }

  /** Takes up what the last process left. Before the first agent connects, and before the first `execute`. */
  async start(): Promise<void> {
    await closeAllSessions(this.#options.store, 'the orchestrator was restarted');
    await this.#operations.restore();
  }

  /** Sends every agent away; results that come no more are given again to the next process. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const session of this.#sessions.values()) session.goAway('the orchestrator stops', STOPPING);
    this.#operations.close();
    await Promise.all(this.#farewells);
  }

  async execute(account: string, operation: Operation, signal?: AbortSignal): Promise<OperationResult> {
    signal?.throwIfAborted();
    const result = this.#operations.execute(account, operation);
    return signal ? await unlessAborted(result, signal) : await result;
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

  /** Ends an account's session at once: its credential was revoked or replaced. */
  endSession(account: string, reason: string): void {
    this.#sessions.get(account)?.goAway(reason, REVOKED);
  }

  /** Serves one call of `Connect`. Never rejects. */
  async connect(stream: HubStream): Promise<void> {
    const { log } = this.#options;
    stream.on('error', () => {}); // unheard, it would end the process; the session hears it too
    try {
      const identification = await identify(this.#options.store, presentedBy(stream));
      if ('refused' in identification) {
        log.warn({ peer: stream.getPeer(), reason: identification.refused }, 'agent refused');
        stream.emit('error', { code: status.UNAUTHENTICATED, details: identification.refused });
        return;
      }
      const hello = await firstHello(stream, LIMITS.welcomeTimeoutMs);
      if (hello) await this.#greet(stream, identification.account, hello);
      else stream.emit('error', { code: status.INVALID_ARGUMENT, details: 'The first message of a session is Hello.' });
    } catch (err) {
      log.error({ err, peer: stream.getPeer() }, 'session could not begin');
      stream.emit('error', {
        code: status.UNAVAILABLE,
        details: `The orchestrator cannot take a session now: ${messageOf(err)}`,
      });
    }
  }

  async #greet(stream: HubStream, account: string, hello: Hello__Output): Promise<void> {
    const admission = admit(hello);
    if ('refused' in admission) {
      this.#refuse(stream, account, 'VERSION', admission.refused, 0);
      return;
    }
    if (this.#isStopping) {
      this.#refuse(stream, account, 'RETRY', 'The orchestrator stops.', 1_000);
      return;
    }
    const { instanceId, agentVersion, kubernetesVersion, allowedNamespaces: namespaces, lastEpoch } = hello;
    const row = await openSession(this.#options.store, account, {
      instanceId,
      agentVersion,
      kubernetesVersion,
      namespaces,
      lastEpoch,
    });
    if (!row) {
      this.#refuse(stream, account, 'UNAUTHENTICATED', `The credential of ${account} is revoked.`, 0);
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
      this.#refuse(stream, account, 'FENCED', `A newer session of ${account} is live.`, 0);
      return;
    }
    if (current) this.#replace(current, instanceId);
    this.#begin(stream, account, hello, row.epoch, admission.terms);
  }

  #begin(stream: HubStream, account: string, hello: Hello__Output, epoch: number, terms: Terms): void {
    const { clock, log, heartbeatMs = LIMITS.heartbeatMs } = this.#options;
    const facts = { id: randomUUID(), account, instanceId: hello.instanceId, epoch, terms, heartbeatMs };
    const session = new Session({
      facts,
      stream,
      clock,
      log,
      onMessage: (from, message) => this.#take(from, message),
      onEnd: (ended, reason) => this.#ended(ended, reason),
    });
    this.#sessions.set(account, session);
    session.welcome();
    session.sendWatches(this.#watches.of(account));
    const held = new Set(hello.openOperations.map((operation) => operation.id));
    this.#operations.attach(account, session, held);
    const { agentVersion, kubernetesVersion, instanceId } = hello;
    log.info(
      { account, instance: instanceId, epoch, agentVersion, kubernetesVersion, peer: stream.getPeer() },
      'agent connected',
    );
  }

  #replace(current: Session, instanceId: string): void {
    const { account, instanceId: older } = current.facts;
    const isOther = older !== instanceId;
    if (isOther) this.#options.log.warn({ account, older, newer: instanceId }, 'another agent took over the account');
    current.goAway(
      isOther ? `another agent (${instanceId}) connected as ${account}` : 'the agent connected anew',
      REPLACED,
    );
  }

  #refuse(stream: HubStream, account: string, code: string, message: string, retryAfterMs: number): void {
    this.#options.log.warn({ account, code, reason: message }, 'agent refused');
    stream.write(encodeHubMessage({ body: 'refused', refused: { code, message, retryAfterMs } }));
    stream.end();
  }

  #take(session: Session, message: AgentMessage__Output): void {
    const { account, epoch } = session.facts;
    if (message.snapshot) this.#watches.take(account, decodeSnapshot(message.snapshot));
    if (!message.status) return;
    const decoded = decodeStatus(message.status);
    // Of a session that was never: nothing we sent can have had that epoch.
    if (decoded.epoch > epoch || !isResult(decoded.status)) return;
    void this.#finish(session, decoded.status);
  }

  async #finish(session: Session, result: OperationResult): Promise<void> {
    try {
      await this.#operations.finish(session.facts.account, result);
      if (!session.isOver) session.resultStored(result.id);
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
    for (const account of this.#unsent) this.#sessions.get(account)?.sendWatches(this.#watches.of(account));
    this.#unsent.clear();
  }
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
