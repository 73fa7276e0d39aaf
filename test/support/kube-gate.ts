/** Stands between an agent and the API server: counts the requests, and holds or cuts the ones a test names. */

import { KubeConfig } from '@kubernetes/client-node';
import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Seen {
  method: string;
  /** With its query. */
  path: string;
}

/** A request that is held. */
export interface Held {
  /** It has come to the gate (`before`), or the API server has answered it (`after`). */
  arrived: Promise<void>;
  /** Lets it go on. */
  release: () => void;
  /** Breaks the connection it came by. */
  cut: () => void;
}

interface Trap {
  matches: (seen: Seen) => boolean;
  where: 'before' | 'after';
  arrived: () => void;
  go: Promise<'pass' | 'cut'>;
}

export class KubeGate implements AsyncDisposable {
  readonly requests: Seen[] = [];
  /** Of an agent that is to go through the gate. */
  kubeconfig = '';
  #server = createServer((request, answer) => void this.#pass(request, answer).catch(() => answer.destroy()));
  #agent: Agent;
  /** Of whoever the kubeconfig is for, where it speaks with a token. */
  #headers: OutgoingHttpHeaders;
  #url: string;
  #traps: Trap[] = [];

  private constructor(url: string, agent: Agent, headers: OutgoingHttpHeaders) {
    this.#headers = headers;
    this.#url = url;
    this.#agent = agent;
  }

  /** @param kubeconfig of the API server; the gate's own lies beside it. */
  static async open(kubeconfig: string): Promise<KubeGate> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const access: Parameters<typeof config.applyToHTTPSOptions>[0] = {};
    await config.applyToHTTPSOptions(access);
    const { ca, cert, key } = access;
    const tls = Object.fromEntries(Object.entries({ ca, cert, key }).filter(([, value]) => value));
    const headers = access.headers as OutgoingHttpHeaders | undefined;
    const gate = new KubeGate(
      config.getCurrentCluster()!.server,
      new Agent({ keepAlive: true, ...tls }),
      headers ?? {},
    );
    // As the API server: Node's own 5 s would end connections that a client keeps.
    gate.#server.keepAliveTimeout = 90_000;
    await once(gate.#server.listen(0, '127.0.0.1'), 'listening');
    const server = `http://127.0.0.1:${(gate.#server.address() as AddressInfo).port}`;
    gate.kubeconfig = `${kubeconfig}-gate-${server.split(':').at(-1)}`;
    writeFileSync(
      gate.kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        // The client library refuses a server without TLS unless it is told that nothing is to be verified.
        clusters: [{ name: 'gate', cluster: { server, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'gate', user: {} }],
        contexts: [{ name: 'gate', context: { cluster: 'gate', user: 'gate' } }],
        'current-context': 'gate',
      }),
    );
    return gate;
  }

  /** Holds the next request that matches: before the API server gets it, or after it has answered. */
  hold(where: Trap['where'], matches: (seen: Seen) => boolean): Held {
    const arrived = Promise.withResolvers<void>();
    const go = Promise.withResolvers<'pass' | 'cut'>();
    this.#traps.push({ matches, where, arrived: arrived.resolve, go: go.promise });
    return { arrived: arrived.promise, release: () => go.resolve('pass'), cut: () => go.resolve('cut') };
  }

  /** Requests since the last call but for watches, as `PATCH /api/v1/...`. */
  take(): string[] {
    const taken = this.requests.splice(0).filter(({ path }) => !path.includes('watch=true'));
    return taken.map(({ method, path }) => `${method} ${path.split('?')[0]}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await once(this.#server.close(), 'close');
  }

  async #pass(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const seen = { method: request.method ?? '', path: request.url ?? '' };
    this.requests.push(seen);
    const at = this.#traps.findIndex(({ matches }) => matches(seen));
    const [trap] = at < 0 ? [] : this.#traps.splice(at, 1);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (trap?.where === 'before' && (await this.#stop(trap)) === 'cut') return void request.socket.destroy();
    const { host: _host, connection: _connection, ...asked } = request.headers;
    const headers = { ...asked, ...this.#headers };
    const upstream = httpsRequest(this.#url + seen.path, { method: seen.method, headers, agent: this.#agent });
    const gone = (): void => void upstream.destroy();
    request.socket.once('close', gone);
    answer.once('close', () => request.socket.off('close', gone));
    upstream.end(Buffer.concat(chunks));
    const [response] = (await once(upstream, 'response')) as [IncomingMessage];
    if (trap?.where === 'after' && (await this.#stop(trap)) === 'cut') return void request.socket.destroy();
    answer.writeHead(response.statusCode ?? 500, response.headers);
    // A watch begins with its headers, not with its first event.
    answer.flushHeaders();
    response.on('error', () => answer.destroy());
    response.pipe(answer);
  }

  #stop(trap: Trap): Promise<'pass' | 'cut'> {
    trap.arrived();
    return trap.go;
  }
}
