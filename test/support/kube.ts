/** A cluster as tests, demo and bench look at it: plain requests over kept-alive connections, and watches. */

import { KubeConfig } from '@kubernetes/client-node';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import type { KubeObject } from '../../src/protocol/kube-object.ts';

interface KubeAnswer {
  status: number;
  body: unknown;
}

export interface KubeEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: KubeObject;
}

export interface Kube extends Disposable {
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<KubeAnswer>;
  /** The object, or undefined where there is none. @throws on any other status. */
  get(path: string): Promise<KubeObject | undefined>;
  /** A list's items; empty where the kind is not served. */
  list(path: string): Promise<KubeObject[]>;
  /** Calls back for what is there and for each change, until stopped. @returns the way to stop, once the watch is open. */
  watch(path: string, onEvent: (event: KubeEvent) => void): Promise<() => void>;
}

/** @param kubeconfig path of the file; its current context is used. */
export async function openKube(kubeconfig: string): Promise<Kube> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error(`${kubeconfig} names no current context with a cluster.`);
  const access: Parameters<typeof config.applyToHTTPSOptions>[0] = {};
  await config.applyToHTTPSOptions(access);
  const { ca, cert, key, rejectUnauthorized } = access;
  const tls = Object.fromEntries(
    Object.entries({ ca, cert, key, rejectUnauthorized }).filter(([, value]) => value !== undefined && value !== null),
  );
  const agent = new Agent({ keepAlive: true, ...tls });
  const headers = { ...(access.headers as Record<string, string> | undefined), accept: 'application/json' };

  const send = async (method: string, path: string, body?: unknown, type?: string): Promise<IncomingMessage> => {
    const own = type === undefined ? headers : { ...headers, 'content-type': type };
    const outgoing = request(server + path, { method, agent, headers: own });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return response;
  };

  const call: Kube['call'] = async (method, path, body, contentType = 'application/json') => {
    const response = await send(method, path, body, contentType);
    return { status: response.statusCode ?? 0, body: parsed(await textOf(response)) };
  };

  const ok = (path: string, { status, body }: KubeAnswer): unknown => {
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  };

  return {
    call,
    get: async (path) => ok(path, await call('GET', path)) as KubeObject | undefined,
    list: async (path) => {
      const list = ok(path, await call('GET', path)) as { items: KubeObject[] } | undefined;
      return list?.items ?? [];
    },
    watch: async (path, onEvent) => {
      const response = await send('GET', `${path}?watch=1`);
      if (response.statusCode !== 200)
        throw new Error(`watch ${path}: ${response.statusCode} ${await textOf(response)}`);
      // Ended by us, or by a cluster that goes away: whoever waits for an event that never comes says so.
      const lines = createInterface({ input: response });
      for (const emitter of [response, lines]) emitter.on('error', () => undefined);
      lines.on('line', (line) => onEvent(JSON.parse(line) as KubeEvent));
      return () => void response.destroy();
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Not every answer is JSON: a path that is not served gets a line of text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
