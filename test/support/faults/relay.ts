/**
 * A relay between an agent and its hub that does what networks do, and a little worse: it cuts, tears messages, freezes, repeats
 * messages, and gives those of one session to the next. Real gRPC on both sides; messages pass as the bytes they are.
 */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Client, Metadata, Server, ServerCredentials, credentials, status } from '@grpc/grpc-js';
import type { ClientDuplexStream, ServerDuplexStream } from '@grpc/grpc-js';
import { decodeAgentMessage, decodeHubMessage } from '../../../src/protocol/service.ts';

const asIs = (bytes: Buffer): Buffer => bytes;
const PATH = '/sluice.agent.v1.AgentHub/Connect';
const definition = {
  Connect: {
    path: PATH,
    requestStream: true as const,
    responseStream: true as const,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

interface Pair {
  agent: ServerDuplexStream<Buffer, Buffer>;
  hub: ClientDuplexStream<Buffer, Buffer>;
  client: Client;
  isOver: boolean;
  isWelcomed: boolean;
  /** Messages both ways that wait for the thaw. */
  frozen: (() => void)[] | undefined;
}

/** What is done to the next message that fits, once. */
type Trick = 'swallowResult' | 'cutAfterResult' | 'repeatOperation' | 'keepOperation' | 'keepResult';

export class FaultRelay implements AsyncDisposable {
  /** Where the agent dials. */
  port = 0;
  /** Where the hub is; looked at for each new session. */
  upstream = 0;
  /** Sessions that came to a Welcome. */
  welcomes = 0;
  #server = new Server({ 'grpc.max_receive_message_length': 8 * 1024 * 1024 });
  #door = createServer((socket) => this.#pass(socket));
  #innerPort = 0;
  #sockets = new Set<Socket>();
  #pairs = new Set<Pair>();
  #tricks = new Set<Trick>();
  /** Of an older session, for the next one. */
  #keptForAgent: Buffer[] = [];
  #keptForHub: Buffer[] = [];
  /** Bytes to the agent after which its connection ends, in the middle of whatever it is. */
  #tearAfter: number | undefined;

  async listen(): Promise<this> {
    this.#server.addService(definition, { Connect: (stream: Pair['agent']) => this.#begin(stream) });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
    this.#innerPort = await promise;
    await once(this.#door.listen(0, '127.0.0.1'), 'listening');
    this.port = (this.#door.address() as AddressInfo).port;
    return this;
  }

  /** A session is up. */
  get isUp(): boolean {
    return [...this.#pairs].some(({ isWelcomed }) => isWelcomed);
  }

  /** Ends every connection of agents without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends the connection in the middle of a message to the agent. */
  tear(bytes: number): void {
    this.#tearAfter = bytes;
  }

  arm(trick: Trick): void {
    this.#tricks.add(trick);
  }

  disarm(): void {
    this.#tricks.clear();
    this.#tearAfter = undefined;
  }

  /** Nothing passes until `thaw`, and nothing is lost. */
  freeze(): void {
    for (const pair of this.#pairs) pair.frozen ??= [];
  }

  thaw(): void {
    for (const pair of this.#pairs) {
      const waiting = pair.frozen ?? [];
      pair.frozen = undefined;
      for (const pass of waiting) pass();
    }
  }

  /** Says something to the agent in the hub's name. */
  forge(message: Buffer): void {
    for (const pair of this.#pairs) if (!pair.isOver) pair.agent.write(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    for (const pair of this.#pairs) this.#end(pair);
    this.#server.forceShutdown();
    await once(this.#door.close(), 'close');
  }

  #begin(agent: Pair['agent']): void {
    const client = new Client(`127.0.0.1:${this.upstream}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.max_receive_message_length': 8 * 1024 * 1024,
    });
    const metadata = new Metadata();
    for (const each of agent.metadata.get('authorization')) metadata.add('authorization', each);
    const hub = client.makeBidiStreamRequest<Buffer, Buffer>(PATH, asIs, asIs, metadata);
    const pair: Pair = { agent, hub, client, isOver: false, isWelcomed: false, frozen: undefined };
    this.#pairs.add(pair);
    agent.on('error', () => this.#end(pair));
    agent.on('cancelled', () => this.#end(pair));
    agent.on('end', () => hub.end());
    agent.on('data', (message: Buffer) => this.#unlessFrozen(pair, () => this.#toHub(pair, message)));
    hub.on('error', (error: Error & { code?: status }) => {
      if (!pair.isOver) agent.emit('error', { code: error.code ?? status.UNAVAILABLE, details: error.message });
      this.#end(pair);
    });
    hub.on('end', () => agent.end());
    hub.on('data', (message: Buffer) => this.#unlessFrozen(pair, () => this.#toAgent(pair, message)));
  }

  #unlessFrozen(pair: Pair, pass: () => void): void {
    if (pair.frozen) pair.frozen.push(pass);
    else pass();
  }

  #toHub(pair: Pair, message: Buffer): void {
    if (pair.isOver) return;
    const { status: said } = decodeAgentMessage(message);
    const isResult = said !== null && said !== undefined && said.state !== 'ACCEPTED' && said.state !== 'RUNNING';
    if (isResult && this.#tricks.delete('keepResult')) {
      this.#keptForHub.push(message);
      this.cut();
      return;
    }
    if (isResult && this.#tricks.delete('swallowResult')) {
      this.cut();
      return;
    }
    pair.hub.write(message);
    if (isResult && this.#tricks.delete('cutAfterResult')) this.cut();
  }

  #toAgent(pair: Pair, message: Buffer): void {
    if (pair.isOver) return;
    const { operation, welcome } = decodeHubMessage(message);
    if (operation && this.#tricks.delete('keepOperation')) {
      this.#keptForAgent.push(message);
      this.cut();
      return;
    }
    pair.agent.write(message);
    if (operation && this.#tricks.delete('repeatOperation')) pair.agent.write(message);
    if (!welcome) return;
    pair.isWelcomed = true;
    this.welcomes += 1;
    // What belonged to an older session, out of its turn.
    for (const old of this.#keptForAgent.splice(0)) pair.agent.write(old);
    for (const old of this.#keptForHub.splice(0)) pair.hub.write(old);
  }

  #end(pair: Pair): void {
    if (pair.isOver) return;
    pair.isOver = true;
    this.#pairs.delete(pair);
    pair.hub.cancel();
    pair.client.close();
  }

  #pass(outer: Socket): void {
    const inner = connect(this.#innerPort, '127.0.0.1');
    for (const [from, to] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    outer.pipe(inner);
    inner.on('data', (bytes: Buffer) => {
      if (this.#tearAfter === undefined) {
        outer.write(bytes);
        return;
      }
      const part = bytes.subarray(0, this.#tearAfter);
      this.#tearAfter -= part.byteLength;
      outer.write(part);
      if (this.#tearAfter > 0) return;
      this.#tearAfter = undefined;
      outer.destroySoon();
      inner.destroy();
    });
    inner.on('end', () => outer.end());
  }
}
