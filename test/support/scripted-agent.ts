/** An agent that does what a test says: speaks the real wire to a real hub, and remembers what it was sent. */

import { Metadata, credentials, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { vi } from 'vitest';
import type { Hello } from '../../src/protocol/gen/sluice/agent/v1/Hello.ts';
import type { HubMessage__Output } from '../../src/protocol/gen/sluice/agent/v1/HubMessage.ts';
import type { Operation__Output } from '../../src/protocol/gen/sluice/agent/v1/Operation.ts';
import type { Refused__Output } from '../../src/protocol/gen/sluice/agent/v1/Refused.ts';
import type { AgentMessage } from '../../src/protocol/gen/sluice/agent/v1/AgentMessage.ts';
import type { OperationResult } from '../../src/protocol/operation.ts';
import { OPERATION_KINDS } from '../../src/protocol/operation-codec.ts';
import { ChunkJoiner, splitMessage } from '../../src/protocol/chunk.ts';
import {
  AgentHubClient,
  CLIENT_CHANNEL_OPTIONS,
  LIMITS,
  decodeHubMessage,
  encodeAgentMessage,
} from '../../src/protocol/service.ts';
import type { AgentStream } from '../../src/protocol/service.ts';
import { encodeStatus } from '../../src/protocol/status-codec.ts';

export interface Presents {
  token?: string;
  tls?: { ca: string; certificate?: string; key?: string };
}

export class ScriptedAgent {
  readonly #client: AgentHubClient;
  readonly stream: AgentStream;
  readonly messages: HubMessage__Output[] = [];
  /** How the stream ended: `CLOSED`, or the name of a gRPC status with its details. */
  end: string | undefined;
  /** Called at each operation, at once. */
  onOperation: (id: string) => void = () => {};
  readonly #joiner = new ChunkJoiner();
  #chunked = 0;

  constructor(port: number, presents: Presents) {
    const { token, tls } = presents;
    const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
    const channel = tls
      ? credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.certificate))
      : credentials.createInsecure();
    this.#client = new AgentHubClient(`127.0.0.1:${port}`, channel, CLIENT_CHANNEL_OPTIONS);
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    this.stream = this.#client.Connect(metadata);
    this.stream.on('error', (error: ServiceError) => (this.end = `${status[error.code]}: ${error.details}`));
    this.stream.on('end', () => (this.end ??= 'CLOSED'));
    this.stream.on('data', (message: HubMessage__Output) => {
      const whole = message.chunk ? this.#joiner.take(message.chunk) : undefined;
      this.messages.push(message);
      if (whole) this.#take(decodeHubMessage(whole));
      else this.#heard(message);
    });
  }

  #take(message: HubMessage__Output): void {
    this.messages.push(message);
    this.#heard(message);
  }

  #heard(message: HubMessage__Output): void {
    if (message.operation) this.onOperation(message.operation.id);
  }

  /** A message in pieces, to be sent one by one. */
  pieces(message: AgentMessage): AgentMessage[] {
    const encoded = encodeAgentMessage(message, LIMITS.maxTotalBytes);
    return splitMessage(encoded, String(++this.#chunked)).map((chunk) => ({ body: 'chunk', chunk }));
  }

  send(message: AgentMessage): void {
    this.stream.write(encodeAgentMessage(message));
  }

  hello(hello: Hello = {}): this {
    const usual = {
      instanceId: 'pod-1',
      protocolMin: 1,
      protocolMax: 1,
      capabilities: [...OPERATION_KINDS, 'snapshot'],
      agentVersion: '0.1.0',
      credit: 8,
    };
    this.send({ body: 'hello', hello: { ...usual, ...hello } });
    return this;
  }

  /** Says how an operation ended. */
  result(id: string, result: Partial<OperationResult> = {}, epoch = this.epoch): void {
    this.send(this.resultMessage(id, result, epoch));
  }

  resultMessage(id: string, result: Partial<OperationResult> = {}, epoch = this.epoch): AgentMessage {
    const full: OperationResult = {
      id,
      state: 'succeeded',
      code: 'OK',
      message: '',
      value: { ok: true },
      atMs: Date.now(),
      ...result,
    };
    return { body: 'status', status: encodeStatus(full, epoch) };
  }

  get epoch(): number {
    return this.messages.find((message) => message.welcome)?.welcome?.epoch ?? 0;
  }

  /** The newest delivery of an operation. */
  delivered(id: string): Operation__Output | undefined {
    return this.messages.findLast((message) => message.operation?.id === id)?.operation ?? undefined;
  }

  get cancels(): string[] {
    return this.messages.flatMap((message) => message.cancel?.id ?? []);
  }

  get operations(): string[] {
    return this.messages.flatMap((message) => message.operation?.id ?? []);
  }

  get stored(): string[] {
    return this.messages.flatMap((message) => message.resultStored?.ids ?? []);
  }

  /** The watch ids of the newest set. */
  get watches(): string[] | undefined {
    return this.messages.findLast((message) => message.watchSet)?.watchSet?.watches.map((watch) => watch.id);
  }

  get goAway(): string | undefined {
    return this.messages.find((message) => message.goAway)?.goAway?.reason;
  }

  get refused(): string | undefined {
    return this.refusal?.code;
  }

  get refusal(): Refused__Output | undefined {
    return this.messages.find((message) => message.refused)?.refused ?? undefined;
  }

  async welcomed(): Promise<this> {
    await vi.waitUntil(() => this.epoch > 0 || this.end !== undefined, { interval: 5, timeout: 5_000 });
    if (this.epoch === 0) throw new Error(`no welcome: ${this.end}`);
    return this;
  }

  /** Cuts the connection as a crash does. */
  cut(): void {
    this.stream.cancel();
    this.#client.close();
  }
}
