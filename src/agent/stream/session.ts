/** One session: from Hello on a fresh stream to the reason why it ended. */

import { status as grpcStatus } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { messageOf } from '../../shared/errors.ts';
import type { OperationResult } from '../../protocol/operation.ts';
import type { Chunk__Output } from '../../protocol/gen/sluice/agent/v1/Chunk.ts';
import type { Hello } from '../../protocol/gen/sluice/agent/v1/Hello.ts';
import type { Holds } from '../../protocol/gen/sluice/agent/v1/Holds.ts';
import type { HubMessage__Output } from '../../protocol/gen/sluice/agent/v1/HubMessage.ts';
import type { Operation__Output } from '../../protocol/gen/sluice/agent/v1/Operation.ts';
import type { Trust__Output } from '../../protocol/gen/sluice/agent/v1/Trust.ts';
import type { Welcome__Output } from '../../protocol/gen/sluice/agent/v1/Welcome.ts';
import { decodeOperation } from '../../protocol/operation-codec.ts';
import { decodeWatch } from '../../protocol/snapshot-codec.ts';
import type { OperationProgress } from '../../protocol/status-codec.ts';
import { ChunkJoiner } from '../../protocol/chunk.ts';
import { LIMITS, decodeHubMessage } from '../../protocol/service.ts';
import type { AgentStream } from '../../protocol/service.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import { refusalOf } from '../dispatch/admission.ts';
import type { Health } from '../health/health.ts';
import { Outlet } from './outlet.ts';
import type { SessionEnd } from './session-end.ts';

export interface SessionOptions {
  stream: AgentStream;
  hello: Hello;
  dispatcher: Dispatcher;
  health: Health;
  clock: Clock;
  log: Log;
  onWelcome: (welcome: Welcome__Output) => void;
  /** The hub says whom to trust. */
  onTrust?: ((trust: Trust__Output) => void) | undefined;
  /** At every sign of life of the hub. */
  onAlive: () => void;
}

export class Session {
  /** Resolves once, when the stream is over; never rejects. */
  readonly ended: Promise<SessionEnd>;
  #options: SessionOptions;
  #outlet: Outlet;
  #resolve: (end: SessionEnd) => void;
  #isOver = false;
  #welcome: Welcome__Output | undefined;
  #lastSeenMs: number;
  /** When Hello was said. */
  #askedAtMs: number;
  #joiner = new ChunkJoiner();
  #welcomedMs = 0;
  #cancelTimer: () => void;

  constructor(options: SessionOptions) {
    const { stream, clock, hello, log, health } = options;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<SessionEnd>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#lastSeenMs = clock.now();
    this.#askedAtMs = clock.now();
    // First of all: an error event that nobody listens to ends the process.
    stream.on('error', (error: ServiceError) =>
      this.#finish({ kind: 'lost', code: codeName(error), message: error.details || messageOf(error) }),
    );
    stream.on('end', () =>
      this.#finish({ kind: 'lost', code: 'CLOSED', message: 'The orchestrator closed the stream.' }),
    );
    stream.on('data', (message: HubMessage__Output) => this.#take(message));
    const now = (): number => clock.now();
    this.#outlet = new Outlet({ sink: stream, log, now, snapshot: (watchId) => health.snapshot(watchId) });
    this.#cancelTimer = clock.after(LIMITS.welcomeTimeoutMs, () =>
      this.#finish({
        kind: 'lost',
        code: 'NO_WELCOME',
        message: 'The orchestrator accepted the connection and did not answer Hello.',
      }),
    );
    this.#outlet.send({ body: 'hello', hello });
  }

  /** A status of the dispatcher's. Before Welcome nothing is sent: results wait in the journal. */
  sendStatus(status: OperationProgress | OperationResult, epoch: number): void {
    if (this.#welcome) this.#outlet.sendStatus(status, epoch);
  }

  /** A watch has news. */
  announce(watchId: string): void {
    if (this.#welcome) this.#outlet.announce(watchId);
  }

  /** What the agent would come back with. */
  holds(holds: Holds): void {
    if (this.#welcome) this.#outlet.send({ body: 'holds', holds });
  }

  /** Tells the hub to send nothing more. */
  drain(reason: string): void {
    if (this.#welcome) this.#outlet.send({ body: 'draining', draining: { reason } });
  }

  /** Ends the session from this side. */
  close(): void {
    this.#finish({ kind: 'stopped' });
  }

  #take(message: HubMessage__Output): void {
    if (this.#isOver) return;
    const { clock, dispatcher, health, onAlive } = this.#options;
    this.#lastSeenMs = clock.now();
    onAlive();
    if (message.refused) {
      const { code, message: reason, retryAfterMs } = message.refused;
      this.#finish({ kind: 'refused', code, message: reason, retryAfterMs });
    } else if (message.welcome) this.#begin(message.welcome);
    else if (!this.#welcome)
      this.#finish({ kind: 'lost', code: 'PROTOCOL', message: 'The first message was not Welcome.' });
    else if (message.operation) this.#takeOperation(message.operation);
    else if (message.cancel) dispatcher.cancel(message.cancel.id);
    else if (message.watchSet) health.set(message.watchSet.watches.map(decodeWatch));
    else if (message.resultStored) dispatcher.journal.stored(message.resultStored.ids);
    else if (message.trust) this.#options.onTrust?.(message.trust);
    else if (message.goAway) {
      const { reason, reconnectAfterMs, spreadMs } = message.goAway;
      this.#finish({ kind: 'goAway', reason, afterMs: reconnectAfterMs, spreadMs });
    } else if (message.heartbeat) dispatcher.hubClock.hear(message.heartbeat.atMs);
    else if (message.chunk) this.#takeChunk(message.chunk);
    // What is unknown comes from a newer hub and asks for nothing we said we can.
  }

  #begin(welcome: Welcome__Output): void {
    const { clock, dispatcher, onWelcome } = this.#options;
    if (welcome.epoch < dispatcher.highestEpoch) {
      const message = `It welcomed us with epoch ${welcome.epoch}, we have seen ${dispatcher.highestEpoch}: an orchestrator that was replaced.`;
      this.#finish({ kind: 'lost', code: 'STALE_EPOCH', message });
      return;
    }
    this.#welcome = welcome;
    this.#welcomedMs = clock.now();
    if (welcome.maxMessageBytes > 0) {
      this.#outlet.maxMessageBytes = Math.min(LIMITS.maxMessageBytes, welcome.maxMessageBytes);
    }
    this.#outlet.maxTotalBytes = Math.min(LIMITS.maxTotalBytes, welcome.maxTotalBytes);
    dispatcher.begin(welcome.epoch, welcome.serverTimeMs, this.#askedAtMs);
    onWelcome(welcome);
    // What ended while no session was there, or was sent and not acknowledged: a write proves nothing.
    for (const { result, epoch } of dispatcher.journal.open()) if (result) this.#outlet.sendStatus(result, epoch);
    this.#beat(welcome.heartbeatMs || LIMITS.heartbeatMs);
  }

  #takeOperation(wire: Operation__Output): void {
    const { dispatcher } = this.#options;
    let decoded: ReturnType<typeof decodeOperation>;
    try {
      decoded = decodeOperation(wire);
    } catch (error) {
      dispatcher.refuse(wire.id, wire.epoch, { ...refusalOf(error), state: 'rejected' });
      return;
    }
    // Before it is taken: the answer to the same operation must not overtake it.
    if (dispatcher.isDraining) return;
    this.#outlet.send({ body: 'received', received: { ids: [wire.id] } });
    dispatcher.take(decoded.operation, decoded.epoch, decoded.redelivered);
  }

  #takeChunk(chunk: Chunk__Output): void {
    let whole: HubMessage__Output | undefined;
    try {
      const joined = this.#joiner.take(chunk);
      whole = joined && decodeHubMessage(joined);
    } catch (error) {
      this.#finish({ kind: 'lost', code: 'PROTOCOL', message: messageOf(error) });
      return;
    }
    if (whole) this.#take(whole);
  }

  /** Sends a heartbeat now and at each interval, and ends the session when the hub has been silent for three. */
  #beat(intervalMs: number): void {
    const { clock, dispatcher } = this.#options;
    this.#cancelTimer();
    const now = clock.now();
    const silentMs = now - this.#lastSeenMs;
    if (silentMs > intervalMs * LIMITS.missedHeartbeats) {
      this.#finish({ kind: 'lost', code: 'SILENT', message: `The orchestrator has said nothing for ${silentMs} ms.` });
      return;
    }
    const { stalledMs } = this.#outlet;
    if (stalledMs > intervalMs * LIMITS.missedHeartbeats) {
      const message = `The orchestrator has read nothing for ${stalledMs} ms.`;
      this.#finish({ kind: 'lost', code: 'STALLED', message });
      return;
    }
    this.#outlet.beat({ body: 'heartbeat', heartbeat: { atMs: now, inFlight: dispatcher.journal.inFlight } });
    this.#cancelTimer = clock.after(intervalMs, () => this.#beat(intervalMs));
  }

  #finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    this.#outlet.close();
    const { stream, clock } = this.#options;
    if (end.kind === 'stopped') {
      // Half-close, so that what is written still arrives.
      stream.end();
    } else {
      stream.cancel();
    }
    this.#resolve(this.#welcome ? { ...end, welcomedForMs: clock.now() - this.#welcomedMs } : end);
  }
}

function codeName(error: ServiceError): string {
  return grpcStatus[error.code] ?? 'UNKNOWN';
}
