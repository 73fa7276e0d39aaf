/** The agent's own small HTTP: is it alive, is it connected, what does it hold. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MissingRight } from '../protocol/missing-rights.ts';
import { messageOf } from '../shared/errors.ts';
import { METRICS_TYPE } from '../shared/metrics.ts';
import type { GuardLine } from './guard/guards.ts';
import type { Role } from './lease/election.ts';

export interface AgentStatus {
  /** `alone`: it is the only one, and there is no election. Only `alone` and `leader` act. */
  role: 'alone' | Role;
  /** The pod that holds the Lease, as far as is known; empty: none, or no election. */
  leader: string;
  /** Why the Lease cannot be read or written; empty: it can, or there is no election. */
  leaseTrouble: string;
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
  /** Of what a canary takes, what the API server does not grant; null: it has not said yet. */
  missingRights: MissingRight[] | null;
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

/** /livez answers as long as the event loop turns; /readyz while a session is up, or it stands by for one; /status is JSON for people, /metrics for Prometheus. */
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
        const { role, leader, leaseTrouble, connected, lastError, hint } = status();
        if (role === 'standby') {
          // What a rolling update and a disruption budget ask: whether it could take over.
          return leaseTrouble === ''
            ? answer(200, `ok: standing by, ${leader || 'nobody'} leads\n`)
            : answer(503, `cannot stand by: ${leaseTrouble}\n`);
        }
        return connected ? answer(200, 'ok\n') : answer(503, `not connected: ${lastError} ${hint}`.trimEnd() + '\n');
      }
      case '/status':
        return answer(200, `${JSON.stringify(status(), undefined, 2)}\n`, 'application/json');
      case '/metrics':
        // A scrape that fails is a scrape that fails: nothing else of the agent may end by it.
        void metrics().then(
          (text) => answer(200, text, METRICS_TYPE),
          (error: unknown) => answer(500, `${messageOf(error)}\n`),
        );
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
