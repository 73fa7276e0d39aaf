/** A door before an API server that can fall silent, cut, and answer itself: for a kubelet that is not there, or as it does only when it likes. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { openClusterAccess } from '../../src/agent/kubernetes/cluster-access.ts';
import type { ClusterAccess, Credentials } from '../../src/agent/kubernetes/cluster-access.ts';

export interface ApiDoor extends AsyncDisposable {
  /** For a `KubeApi` that is to go through the door. */
  access: ClusterAccess;
  /** Paths with their query, as they came. */
  readonly requests: string[];
  /** From now on nothing goes through, neither way, and nothing ends. */
  freeze(): void;
  thaw(): void;
  /** Breaks every connection. */
  cut(): void;
  /** Answers by itself: status and body; undefined: the API server is asked. */
  answer: (path: string) => { status: number; body: string } | undefined;
}

export async function openApiDoor(kubeconfig: string): Promise<ApiDoor> {
  const outside = await openClusterAccess({ kind: 'kubeconfig', path: kubeconfig });
  const credentials = await outside.read();
  const agent = new Agent({ ...credentials.tls, keepAlive: true });
  let frozen: PromiseWithResolvers<void> | undefined;
  const requests: string[] = [];
  const server = createServer((request, response) => void pass(request, response));
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    requests.push(path);
    await frozen?.promise;
    const own = door.answer(path);
    if (own) return void response.writeHead(own.status, { 'content-type': 'application/json' }).end(own.body);
    const url = outside.server + path;
    const upstream = httpsRequest(url, { method: request.method, headers: headersOf(request, credentials), agent });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    upstream.on('response', (answer) => void forward(answer, response));
    request.pipe(upstream);
  };
  const forward = async (answer: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await frozen?.promise;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      for await (const chunk of answer) {
        await frozen?.promise;
        response.write(chunk);
      }
      response.end();
    } catch {
      response.destroy();
    }
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const door: ApiDoor = {
    access: { server: url, read: async () => ({ tls: {}, headers: {} }) },
    requests,
    freeze: () => void (frozen ??= Promise.withResolvers()),
    thaw: () => {
      frozen?.resolve();
      frozen = undefined;
    },
    cut: () => server.closeAllConnections(),
    answer: () => undefined,
    [Symbol.asyncDispose]: async () => {
      door.thaw();
      server.closeAllConnections();
      agent.destroy();
      await once(server.close(), 'close');
    },
  };
  return door;
}

function headersOf(request: IncomingMessage, credentials: Credentials): Record<string, string> {
  const { accept = '*/*', 'content-type': type } = request.headers;
  return { ...credentials.headers, accept, ...(type !== undefined && { 'content-type': type }) };
}
