/** A door before an API server that writes down every request which passes. */

import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parse, stringify } from 'yaml';

interface SeenRequest {
  method: string;
  /** Path and query. */
  url: string;
  isWatch: boolean;
}

export interface CountingApi extends AsyncDisposable {
  /** The path of a kubeconfig that leads through the door. */
  kubeconfig: string;
  readonly seen: SeenRequest[];
}

interface Kubeconfig {
  clusters: {
    cluster: { server: string; 'certificate-authority-data'?: string; 'insecure-skip-tls-verify'?: boolean };
  }[];
}

/** @param kubeconfig one that speaks with a token: a client certificate ends at the door. */
export async function startCountingApi(kubeconfig: string): Promise<CountingApi> {
  const config = parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig;
  const [entry] = config.clusters;
  if (entry === undefined) throw new Error(`${kubeconfig} names no cluster`);
  const { server, 'certificate-authority-data': authority = '' } = entry.cluster;
  const agent = new Agent({ keepAlive: true, ca: Buffer.from(authority, 'base64') });
  const seen: SeenRequest[] = [];
  const door = createServer((incoming, outgoing) => {
    const { method = '', url = '' } = incoming;
    seen.push({ method, url, isWatch: /[?&]watch=(true|1)/.test(url) });
    pass(new URL(url, server), agent, incoming, outgoing);
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  // Plain on loopback, which clients take only when told that there is nothing to verify.
  const { port } = door.address() as AddressInfo;
  entry.cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  const own = `${kubeconfig}-counted`;
  await writeFile(own, stringify(config), { mode: 0o600 });
  return {
    kubeconfig: own,
    seen,
    [Symbol.asyncDispose]: async () => {
      door.closeAllConnections();
      agent.destroy();
      door.close();
      await once(door, 'close');
    },
  };
}

function pass(url: URL, agent: Agent, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, headers } = incoming;
  const onward = request(url, { method, headers: { ...headers, host: url.host }, agent }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    // A watch begins with its headers, not with its first event.
    outgoing.flushHeaders();
    answer.pipe(outgoing);
  });
  // A watch that either side ends, ends on the other.
  onward.on('error', () => outgoing.destroy());
  outgoing.on('close', () => onward.destroy());
  incoming.pipe(onward);
}
