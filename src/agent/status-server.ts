/** The agent's own small HTTP: is it alive, is it connected, what does it hold. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { METRICS_TYPE } from '../shared/metrics.ts';
import type { GuardLine } from './guard/guards.ts';

export interface AgentStatus {
  account: string;
  connected: boolean;
  /** Of the session that runs now. */
  sessionId: string;
  epoch: number;
  connectedSinceMs: number;
  lastHubMessageMs: number;
  /** Why there is no session; empty while there is one. */
  lastError: string;
  /** Where the fault lies (docs/logs.md, "cannot connect"), and what to do; empty where that is not known. */
  cause: string;
  hint: string;
  version: string;
  kubernetesVersion: string;
  /** How far the orchestrator's clock is ahead of ours. */
  clockSkewMs: number;
  /** When the certificate that it presents ends; null: it has none. */
  credentialNotAfterMs: number | null;
  inFlight: number;
  unacknowledged: number;
  watches: Record<string, number>;
  guards: GuardLine[];
}

export interface StatusServer {
  port: number;
  close(): Promise<void>;
}

/** /livez answers as long as the event loop turns; /readyz while a session is up; /status is JSON for people, /metrics for Prometheus. */
export async function startStatusServer(
  address: { host: string; port: number },
  status: () => AgentStatus,
  metrics: () => Promise<string>,
): Promise<StatusServer> {
  const server = createServer((request, response) => {
    const answer = (code: number, body: string, type = 'text/plain'): void => {
      response.writeHead(code, { 'content-type': type }).end(body);
    };
    switch (request.url?.split('?')[0] ?? '') {
      case '/livez':
        return answer(200, 'ok\n');
      case '/readyz': {
        const { connected, lastError, hint } = status();
        return connected ? answer(200, 'ok\n') : answer(503, `not connected: ${lastError} ${hint}`.trimEnd() + '\n');
      }
      case '/status':
        return answer(200, `${JSON.stringify(status(), undefined, 2)}\n`, 'application/json');
      case '/metrics':
        void metrics().then((text) => answer(200, text, METRICS_TYPE));
        return undefined;
      default:
        return answer(404, 'There are /livez, /readyz, /status and /metrics.\n');
    }
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(address.port, address.host, resolve);
  await promise;
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      return promise;
    },
  };
}
