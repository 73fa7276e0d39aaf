/** An agent in the test's own process, against a real API server and a hub on loopback. */

import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentConfig } from '../../src/agent/config.ts';
import type { Policy } from '../../src/agent/operations/policy.ts';
import { runAgent } from '../../src/agent/run.ts';
import type { Hello } from '../../src/protocol/gen/sluice/agent/v1/Hello.ts';
import type { Clock } from '../../src/shared/clock.ts';
import { silentLog } from '../../src/shared/log.ts';
import type { Log } from '../../src/shared/log.ts';

export interface TestAgent extends AsyncDisposable {
  /** Of /livez, /readyz and /status. */
  healthPort: number;
  /** Drains and waits for its end. */
  stop(): Promise<void>;
}

export interface TestAgentOptions {
  server: string;
  kubeconfig: string;
  namespaces: string[];
  policy?: Omit<Policy, 'allowedNamespaces'>;
  credential?: Record<string, string>;
  config?: Partial<AgentConfig>;
  log?: Log;
  drainMs?: number;
  reviewMs?: number;
  clock?: Clock;
  /** Said instead of what it is. */
  hello?: Hello;
}

export async function startAgent(options: TestAgentOptions): Promise<TestAgent> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-agent-'));
  const path = join(folder, 'credential.json');
  writeFileSync(path, JSON.stringify(options.credential ?? { account: 'test', token: 'secret-token' }), {
    mode: 0o600,
  });
  const config: AgentConfig = {
    server: options.server,
    serverName: undefined,
    proxy: undefined,
    reconnectMaxMs: 60_000,
    plaintext: true,
    credential: { kind: 'file', path },
    cluster: { kind: 'kubeconfig', path: options.kubeconfig },
    policy: { allowedNamespaces: options.namespaces, ...options.policy },
    lease: undefined,
    healthAddress: { host: '127.0.0.1', port: 0 },
    log: { format: 'json', level: 'info' },
    ...options.config,
  };
  const stopping = new AbortController();
  const listening = Promise.withResolvers<number>();
  const ended = runAgent(config, {
    signal: stopping.signal,
    log: options.log ?? silentLog,
    onStuck: () => undefined,
    onLost: () => stopping.abort(),
    onListening: listening.resolve,
    ...(options.drainMs !== undefined && { drainMs: options.drainMs }),
    ...(options.reviewMs !== undefined && { reviewMs: options.reviewMs }),
    ...(options.clock && { clock: options.clock }),
    ...(options.hello && { hello: options.hello }),
  });
  ended.catch(listening.reject);
  const healthPort = await listening.promise;
  const stop = async (): Promise<void> => {
    stopping.abort();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return { healthPort, stop, [Symbol.asyncDispose]: stop };
}
