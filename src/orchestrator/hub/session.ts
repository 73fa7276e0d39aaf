/** One stream's life: Hello, Welcome, heartbeats, messages both ways, and why it ended. */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { messageOf } from '../../shared/errors.ts';
import type { AgentMessage__Output } from '../../protocol/gen/sluice/agent/v1/AgentMessage.ts';
import type { GoAway } from '../../protocol/gen/sluice/agent/v1/GoAway.ts';
import type { HubMessage } from '../../protocol/gen/sluice/agent/v1/HubMessage.ts';
import type { Operation } from '../../protocol/operation.ts';
import { encodeOperation } from '../../protocol/operation-codec.ts';
import { LIMITS, encodeHubMessage } from '../../protocol/service.ts';
import type { HubStream } from '../../protocol/service.ts';
import { encodeWatch } from '../../protocol/snapshot-codec.ts';
import type { Watch } from '../../protocol/snapshot.ts';
import type { Terms } from './admission.ts';
import type { Carrier } from './operation-desk.ts';

export interface SessionFacts {
  id: string;
  account: string;
  /** The agent's process. */
  instanceId: string;
  epoch: number;
  terms: Terms;
  heartbeatMs: number;
}

export interface SessionOptions {
  facts: SessionFacts;
  stream: HubStream;
  clock: Clock;
  log: Log;
  /** A message after Hello; not heartbeats. */
  onMessage(session: Session, message: AgentMessage__Output): void;
  /** Once. */
  onEnd(session: Session, reason: string): void;
}

export class Session implements Carrier {
  readonly facts: SessionFacts;
  readonly credit: number;
  readonly capabilities: ReadonlySet<string>;
  readonly #options: SessionOptions;
  #isDraining = false;
  #isOver = false;
  #lastSeenMs: number;
  #cancelBeat: () => void = () => {};

  /** Takes over the stream; the caller has read Hello from it, and listens to its `error`. */
  constructor(options: SessionOptions) {
    this.#options = options;
    this.facts = options.facts;
    this.credit = options.facts.terms.credit;
    this.capabilities = options.facts.terms.capabilities;
    this.#lastSeenMs = options.clock.now();
    const { stream } = options;
    stream.on('data', (message: AgentMessage__Output) => this.#take(message));
    stream.resume(); // it was paused after Hello, and a listener alone does not wake it
    stream.on('end', () => this.end(this.#isDraining ? 'the agent stopped' : 'the agent closed the stream'));
    stream.on('cancelled', () => this.end('the connection was lost'));
    stream.on('error', (error: Error) => this.end(`the connection was lost: ${messageOf(error)}`));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get takesOperations(): boolean {
    return !this.#isOver && !this.#isDraining;
  }

  /** Sends Welcome and begins to beat. */
  welcome(): void {
    const { id, epoch, heartbeatMs, terms } = this.facts;
    const { protocol, credit, maxMessageBytes } = terms;
    const serverTimeMs = this.#options.clock.now();
    const welcome = { sessionId: id, epoch, protocol, heartbeatMs, credit, maxMessageBytes, serverTimeMs };
    this.#write({ body: 'welcome', welcome });
    this.#beat();
  }

  send(operation: Operation, redelivered: boolean): void {
    this.#write({ body: 'operation', operation: encodeOperation(operation, this.facts.epoch, redelivered) });
  }

  sendWatches(watches: Watch[]): void {
    this.#write({ body: 'watchSet', watchSet: { watches: watches.map(encodeWatch) } });
  }

  resultStored(id: string): void {
    this.#write({ body: 'resultStored', resultStored: { ids: [id] } });
  }

  /** Ends it on purpose, and tells the agent when to come back. */
  goAway(
    reason: string,
    { reconnectAfterMs, spreadMs }: Required<Pick<GoAway, 'reconnectAfterMs' | 'spreadMs'>>,
  ): void {
    if (this.#isOver) return;
    this.#write({ body: 'goAway', goAway: { reason, reconnectAfterMs, spreadMs } });
    this.end(reason);
  }

  /** Ends the session; the first reason counts. Nothing is sent or heard after it. */
  end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelBeat();
    const { stream } = this.#options;
    // Read on, to no avail: a stream that is not read never ends.
    stream.removeAllListeners('data').resume();
    stream.end();
    this.#options.onEnd(this, reason);
  }

  #take(message: AgentMessage__Output): void {
    if (this.#isOver) return;
    this.#lastSeenMs = this.#options.clock.now();
    if (message.heartbeat) return;
    if (message.draining) {
      this.#isDraining = true;
      this.#options.log.info({ account: this.facts.account, reason: message.draining.reason }, 'agent is stopping');
      return;
    }
    try {
      this.#options.onMessage(this, message);
    } catch (err) {
      // A fault of the agent's must not become ours: thrown in a stream's event, it would end the process.
      this.#options.log.error({ err, account: this.facts.account }, 'agent sent what cannot be read');
      this.end(`the agent sent what cannot be read: ${messageOf(err)}`);
    }
  }

  /** Sends a heartbeat now and at each interval; three without a sign of life end the session. */
  #beat(): void {
    const { clock } = this.#options;
    const { heartbeatMs } = this.facts;
    const silentMs = clock.now() - this.#lastSeenMs;
    if (silentMs > heartbeatMs * LIMITS.missedHeartbeats) {
      this.end(`${LIMITS.missedHeartbeats} heartbeats missed`);
      return;
    }
    this.#write({ body: 'heartbeat', heartbeat: { atMs: clock.now(), inFlight: 0 } });
    this.#cancelBeat = clock.after(heartbeatMs, () => this.#beat());
  }

  /**
   * What is written is bounded: operations by credit, the rest by what the agent sent; so the stream's buffer is the queue.
   * A peer that takes nothing sends nothing either, and falls to its missed heartbeats.
   */
  #write(message: HubMessage): void {
    const encoded = encodeHubMessage(message, this.facts.terms.maxMessageBytes);
    if (!this.#isOver) this.#options.stream.write(encoded);
  }
}
