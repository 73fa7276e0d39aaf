/** One stream's life: Hello, Welcome, heartbeats, messages both ways, and why it ended. */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { messageOf } from '../../shared/errors.ts';
import { ChunkJoiner } from '../../protocol/chunk.ts';
import type { AgentMessage__Output } from '../../protocol/gen/sluice/agent/v1/AgentMessage.ts';
import type { GoAway } from '../../protocol/gen/sluice/agent/v1/GoAway.ts';
import type { HubMessage } from '../../protocol/gen/sluice/agent/v1/HubMessage.ts';
import type { Trust } from '../../protocol/gen/sluice/agent/v1/Trust.ts';
import type { Operation } from '../../protocol/operation.ts';
import { encodeOperation } from '../../protocol/operation-codec.ts';
import { LIMITS, decodeAgentMessage } from '../../protocol/service.ts';
import type { HubStream } from '../../protocol/service.ts';
import { encodeWatch } from '../../protocol/snapshot-codec.ts';
import type { Watch } from '../../protocol/snapshot.ts';
import type { Terms } from './admission.ts';
import type { HubLimits } from './hub-limits.ts';
import type { Carrier } from './operation-desk.ts';
import { Outlet } from './outlet.ts';
import { resetStream } from './reset-stream.ts';
import { rotation } from './rotation.ts';
import { draw, grant } from '../../shared/token-bucket.ts';
import type { Bucket } from '../../shared/token-bucket.ts';

export interface SessionFacts {
  id: string;
  account: string;
  /** The agent's process. */
  instanceId: string;
  /** Where it calls from. */
  peer: string;
  epoch: number;
  terms: Terms;
  heartbeatMs: number;
  /** When the connection is to be made anew. */
  dueMs: number;
}

export interface SessionOptions {
  facts: SessionFacts;
  stream: HubStream;
  clock: Clock;
  log: Log;
  limits: HubLimits;
  /** The account's watches as they are now. */
  watches: () => Watch[];
  /** Operations that its agent holds. */
  inFlight: (session: Session) => number;
  /** A message after Hello, whole; not heartbeats. @returns when it is done with it, if that takes time; never rejects. */
  onMessage: (session: Session, message: AgentMessage__Output) => Promise<void> | undefined;
  /** Once. */
  onEnd: (session: Session, reason: string) => void;
}

type Return = Required<Pick<GoAway, 'reconnectAfterMs' | 'spreadMs'>>;

const ROTATED: Return = { reconnectAfterMs: 0, spreadMs: 500 };
/** An orderly end gets this long; GoAway is worth little if it does not arrive. */
const FAREWELL_MS = 10_000;
/** Messages that are being stored; an agent that sends more of them waits until the database has kept up. */
const MOST_UNDER_WAY = 128;

export class Session implements Carrier {
  readonly facts: SessionFacts;
  readonly credit: number;
  readonly capabilities: ReadonlySet<string>;
  readonly #options: SessionOptions;
  readonly #outlet: Outlet;
  readonly #joiner = new ChunkJoiner();
  /** The agent asked for no more operations, or its connection is about to be made anew. */
  #isDraining = false;
  #isStopping = false;
  #isOver = false;
  #lastSeenMs: number;
  #messages: Bucket | undefined;
  #underWay = 0;
  #cancelBeat: () => void = () => {};
  #cancelRotation: () => void = () => {};

  /** Takes over the stream; the caller has read Hello from it, and listens to its `error`. */
  constructor(options: SessionOptions) {
    this.#options = options;
    this.facts = options.facts;
    const { stream, clock, facts } = options;
    const { terms } = facts;
    this.credit = terms.credit;
    this.capabilities = terms.capabilities;
    this.#lastSeenMs = clock.now();
    this.#outlet = new Outlet({ sink: stream, clock, terms, onFault: (error) => this.#fault('cannot be told', error) });
    stream.on('data', (message: AgentMessage__Output) => this.#take(message));
    stream.resume(); // it was paused after Hello, and a listener alone does not wake it
    stream.on('end', () => this.end(this.#isStopping ? 'the agent stopped' : 'the agent closed the stream'));
    stream.on('cancelled', () => this.end('the connection was lost'));
    stream.on('error', (error: Error) => this.end(`the connection was lost: ${messageOf(error)}`));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Its agent was heard within a heartbeat. */
  get isFresh(): boolean {
    return !this.#isOver && this.#options.clock.now() - this.#lastSeenMs <= this.facts.heartbeatMs;
  }

  get takesOperations(): boolean {
    return !this.#isOver && !this.#isDraining;
  }

  /** Messages that its agent has not taken yet. */
  get waiting(): number {
    return this.#outlet.waiting;
  }

  /** Sends Welcome and begins to beat. */
  welcome(): void {
    const { id, epoch, heartbeatMs, terms } = this.facts;
    const { protocol, credit, maxMessageBytes, maxTotalBytes } = terms;
    const serverTimeMs = this.#options.clock.now();
    const limits = { credit, maxMessageBytes, maxTotalBytes };
    this.#send({ body: 'welcome', welcome: { sessionId: id, epoch, protocol, heartbeatMs, serverTimeMs, ...limits } });
    this.#beat();
    this.#rotate();
  }

  send(operation: Operation, redelivered: boolean): void {
    this.#send({ body: 'operation', operation: encodeOperation(operation, this.facts.epoch, redelivered) });
    const { limits, clock } = this.#options;
    this.#messages = grant(this.#messages, limits.messages, clock.now(), limits.messagesPerOperation);
  }

  cancel(operationId: string): void {
    this.#outlet.sendBehind({ body: 'cancel', cancel: { id: operationId } });
  }

  /** Which authorities to trust, to an agent that keeps its credential itself. */
  trust(trust: Trust): void {
    if (this.capabilities.has('trust')) this.#send({ body: 'trust', trust });
  }

  /** Its agent may hold no operation any more. */
  maybeIdle(): void {
    if (this.#options.clock.now() >= this.facts.dueMs) this.#rotate();
  }

  /** Sends the account's watches, as they are once the agent can take them. */
  sendWatches(): void {
    const { watches } = this.#options;
    this.#outlet.watchSet(() => ({ body: 'watchSet', watchSet: { watches: watches().map(encodeWatch) } }));
  }

  resultStored(id: string): void {
    try {
      this.#outlet.stored(id);
    } catch (error) {
      this.#fault('does not read', error);
    }
  }

  /** Ends it on purpose, and tells the agent when to come back. */
  goAway(reason: string, { reconnectAfterMs, spreadMs }: Return): void {
    if (this.#isOver) return;
    this.#outlet.close({ body: 'goAway', goAway: { reason, reconnectAfterMs, spreadMs } });
    this.end(reason);
  }

  /** Ends the session; the first reason counts. Nothing is sent or heard after it. */
  end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelBeat();
    this.#cancelRotation();
    this.#outlet.close();
    const { stream, clock, onEnd } = this.#options;
    // Read on, to no avail: a stream that is not read never ends.
    stream.removeAllListeners('data').resume();
    stream.end();
    const cancelReset = clock.after(FAREWELL_MS, () => resetStream(stream));
    stream.once('close', cancelReset);
    onEnd(this, reason);
  }

  #take(message: AgentMessage__Output): void {
    if (this.#isOver) return;
    const { clock, log, onMessage } = this.#options;
    this.#lastSeenMs = clock.now();
    if (!this.#isWithinRate()) return;
    if (message.heartbeat) return;
    if (message.draining) {
      this.#isDraining = true;
      this.#isStopping = true;
      log.info({ account: this.facts.account, reason: message.draining.reason }, 'agent is stopping');
      return;
    }
    try {
      const whole = message.chunk ? this.#join(message) : message;
      const done = whole && onMessage(this, whole);
      if (done) void this.#follow(done);
    } catch (err) {
      // A fault of the agent's must not become ours: thrown in a stream's event, it would end the process.
      this.#fault('sent what cannot be read', err);
    }
  }

  async #follow(done: Promise<void>): Promise<void> {
    const { stream } = this.#options;
    if (++this.#underWay >= MOST_UNDER_WAY && !this.#isOver) stream.pause();
    await done;
    if (--this.#underWay < MOST_UNDER_WAY) stream.resume();
  }

  /** @returns the whole message with its last piece. @throws SluiceError PROTOCOL, TOO_LARGE. */
  #join({ chunk }: AgentMessage__Output): AgentMessage__Output | undefined {
    const encoded = chunk ? this.#joiner.take(chunk) : undefined;
    return encoded && decodeAgentMessage(encoded);
  }

  #fault(what: string, err: unknown): void {
    this.#options.log.error({ err, account: this.facts.account, what }, 'session ends for a fault');
    this.end(`the agent ${what}: ${messageOf(err)}`);
  }

  #isWithinRate(): boolean {
    const { clock, limits } = this.#options;
    const { bucket, waitMs } = draw(this.#messages, limits.messages, clock.now());
    this.#messages = bucket;
    if (waitMs === 0) return true;
    const reason = `the agent sends more than ${limits.messages.perSecond} messages a second`;
    this.#options.log.warn({ account: this.facts.account, instance: this.facts.instanceId }, 'agent says too much');
    this.goAway(reason, { reconnectAfterMs: limits.messagesPenaltyMs, spreadMs: limits.messagesPenaltyMs / 2 });
    return false;
  }

  /** Sends a heartbeat now and at each interval; three without a sign of life, or with nothing taken, end the session. */
  #beat(): void {
    const { clock } = this.#options;
    const { heartbeatMs } = this.facts;
    const patienceMs = heartbeatMs * LIMITS.missedHeartbeats;
    if (clock.now() - this.#lastSeenMs > patienceMs) {
      this.end(`${LIMITS.missedHeartbeats} heartbeats missed`);
      return;
    }
    if (this.#outlet.stalledMs > patienceMs) {
      this.end(`the agent has read nothing for ${LIMITS.missedHeartbeats} heartbeats`);
      return;
    }
    this.#outlet.heartbeat(() => ({ body: 'heartbeat', heartbeat: { atMs: clock.now(), inFlight: 0 } }));
    this.#cancelBeat = clock.after(heartbeatMs, () => this.#beat());
  }

  /** Ends a connection that has become old, in a good moment. */
  #rotate(): void {
    if (this.#isOver) return;
    const { clock, limits, inFlight } = this.#options;
    this.#cancelRotation();
    const next = rotation({ dueMs: this.facts.dueMs, inFlight: inFlight(this) }, limits, clock.now());
    if (next.kind === 'go') {
      this.goAway('the connection is old and is made anew', ROTATED);
      return;
    }
    if (next.kind === 'drain') this.#isDraining = true;
    this.#cancelRotation = clock.after(next.againInMs, () => this.#rotate());
  }

  #send(message: HubMessage): void {
    if (!this.#isOver) this.#outlet.send(message);
  }
}
