/** The hub's end of the link over real gRPC, with no store and no run behind it: what agent tests need to see and to say. */

import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Metadata } from '@grpc/grpc-js';
import type { Operation, OperationResult, OperationSpec, OperationState } from '../../src/protocol/operation.ts';
import type { Snapshot, Watch } from '../../src/protocol/snapshot.ts';
import type { Hello__Output } from '../../src/protocol/gen/sluice/agent/v1/Hello.ts';
import type { HubMessage } from '../../src/protocol/gen/sluice/agent/v1/HubMessage.ts';
import { encodeOperation } from '../../src/protocol/operation-codec.ts';
import { decodeSnapshot, encodeWatch } from '../../src/protocol/snapshot-codec.ts';
import { decodeStatus, isResult } from '../../src/protocol/status-codec.ts';
import { LIMITS, SERVER_CHANNEL_OPTIONS, agentHubService, encodeHubMessage } from '../../src/protocol/service.ts';
import type { HubStream } from '../../src/protocol/service.ts';

export interface SmallHubOptions {
  port?: number;
  credentials?: ServerCredentials;
  heartbeatMs?: number;
  epoch?: number;
  /** Results are acknowledged as they come. Default: true. */
  acknowledges?: boolean;
  /** Added to the clock that Welcome tells. */
  clockSkewMs?: number;
  /** Instead of Welcome. */
  refuses?: { code: string; message: string; retryAfterMs: number };
}

let nextId = 0;

export class SmallHub implements AsyncDisposable {
  readonly hellos: Hello__Output[] = [];
  readonly metadata: Metadata[] = [];
  readonly results = new Map<string, OperationResult[]>();
  readonly states: { id: string; state: OperationState }[] = [];
  /** What running operations said of themselves. */
  readonly progress: { id: string; message: string }[] = [];
  readonly received: string[] = [];
  /** Common names of the client certificates, one per session. */
  readonly peerNames: string[] = [];
  readonly snapshots: { snapshot: Snapshot; arrivedMs: number }[] = [];
  heartbeats = 0;
  drained = false;
  acknowledges: boolean;
  epoch: number;
  port = 0;
  stream: HubStream | undefined;
  #options: SmallHubOptions;
  #server = new Server(SERVER_CHANNEL_OPTIONS);
  /** Every byte goes through here, so that a cut is one: sockets that end without a word. */
  #door = createServer((socket) => this.#pass(socket));
  #sockets = new Set<Socket>();
  #innerPort = 0;
  /** Heartbeats in this session. */
  #beats = 0;
  #watches: Watch[] = [];
  #changed = new Set<() => void>();

  constructor(options: SmallHubOptions = {}) {
    this.#options = options;
    this.acknowledges = options.acknowledges ?? true;
    this.epoch = options.epoch ?? 1;
    this.#server.addService(agentHubService, { Connect: (stream: HubStream) => this.#accept(stream) });
  }

  async listen(): Promise<this> {
    const { port = 0, credentials = ServerCredentials.createInsecure() } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    this.#innerPort = await promise;
    await once(this.#door.listen(port, '127.0.0.1'), 'listening');
    this.port = (this.#door.address() as AddressInfo).port;
    return this;
  }

  /** Resolves once `found` returns something, looked at after each message that arrives. */
  async until<T>(what: string, found: () => T | undefined | false, timeoutMs = 15_000): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = (): void => {
      const value = found();
      if (value !== undefined && value !== false) resolve(value);
    };
    const timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${what}`)), timeoutMs);
    this.#changed.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#changed.delete(look);
    });
  }

  /** An agent is there and has taken our Welcome: its first heartbeat answers it. */
  connected(): Promise<Hello__Output> {
    return this.until('an agent connects', () => this.stream && this.#beats > 0 && this.hellos.at(-1));
  }

  send(message: HubMessage): void {
    this.stream?.write(encodeHubMessage(message));
  }

  operation(namespace: string, spec: OperationSpec, more: Partial<Operation> = {}): Operation {
    nextId += 1;
    const id = `op-${nextId}`;
    const notAfterMs = Date.now() + 30_000;
    return { id, deploymentId: 'd', namespace, notAfterMs, generation: nextId, spec, ...more };
  }

  deliver(operation: Operation, epoch = this.epoch, redelivered = false): void {
    this.send({ body: 'operation', operation: encodeOperation(operation, epoch, redelivered) });
  }

  result(id: string): Promise<OperationResult> {
    return this.until(`the result of ${id}`, () => this.results.get(id)?.[0]);
  }

  /** Sends an operation and waits for its result. */
  async run(namespace: string, spec: OperationSpec, more: Partial<Operation> = {}): Promise<OperationResult> {
    const operation = this.operation(namespace, spec, more);
    this.deliver(operation);
    return this.result(operation.id);
  }

  /** As `run`, and throws unless it succeeded. */
  async value<T>(namespace: string, spec: OperationSpec): Promise<T> {
    const result = await this.run(namespace, spec);
    if (result.state !== 'succeeded')
      throw new Error(`${spec.kind} ${result.state} (${result.code}): ${result.message}`);
    return result.value as T;
  }

  watch(...watches: Watch[]): void {
    this.#watches = watches;
    this.send({ body: 'watchSet', watchSet: { watches: watches.map(encodeWatch) } });
  }

  snapshot(what: string, found: (snapshot: Snapshot) => boolean): Promise<{ snapshot: Snapshot; arrivedMs: number }> {
    return this.until(what, () => this.snapshots.findLast(({ snapshot }) => found(snapshot)));
  }

  /** Breaks the stream as a lost connection does. */
  cut(): void {
    this.stream = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.forceShutdown();
    await once(this.#door.close(), 'close');
  }

  #pass(outer: Socket): void {
    const inner = connect(this.#innerPort, '127.0.0.1');
    for (const [from, to] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }

  #accept(stream: HubStream): void {
    this.metadata.push(stream.metadata);
    const { sslPeerCertificate } = stream.getAuthContext();
    if (sslPeerCertificate) this.peerNames.push(String(sslPeerCertificate.subject.CN));
    stream.on('error', () => undefined);
    stream.on('close', () => this.#gone(stream));
    stream.on('end', () => {
      stream.end();
      this.#gone(stream);
    });
    stream.on('data', (message) => {
      if (message.hello) this.#greet(stream, message.hello);
      if (message.received) this.received.push(...message.received.ids);
      if (message.heartbeat) {
        this.heartbeats += 1;
        this.#beats += 1;
      }
      if (message.draining) this.drained = true;
      if (message.snapshot)
        this.snapshots.push({ snapshot: decodeSnapshot(message.snapshot), arrivedMs: performance.now() });
      if (message.status) {
        const { status } = decodeStatus(message.status);
        this.states.push({ id: status.id, state: status.state });
        if (!isResult(status) && status.message) this.progress.push({ id: status.id, message: status.message });
        if (isResult(status)) {
          this.results.set(status.id, [...(this.results.get(status.id) ?? []), status]);
          if (this.acknowledges) this.send({ body: 'resultStored', resultStored: { ids: [status.id] } });
        }
      }
      for (const look of this.#changed) look();
    });
  }

  #greet(stream: HubStream, hello: Hello__Output): void {
    this.hellos.push(hello);
    this.stream = stream;
    this.#beats = 0;
    const { refuses, heartbeatMs = LIMITS.heartbeatMs, clockSkewMs = 0 } = this.#options;
    if (refuses) {
      this.send({ body: 'refused', refused: refuses });
      stream.end();
      return;
    }
    const welcome = {
      sessionId: `session-${this.hellos.length}`,
      epoch: this.epoch,
      protocol: 1,
      heartbeatMs,
      credit: hello.credit,
      maxMessageBytes: LIMITS.maxMessageBytes,
      serverTimeMs: Date.now() + clockSkewMs,
    };
    this.send({ body: 'welcome', welcome });
    if (this.#watches.length > 0) this.watch(...this.#watches);
  }

  #gone(stream: HubStream): void {
    if (this.stream === stream) this.stream = undefined;
    for (const look of this.#changed) look();
  }
}
