/** What lies between a decision and the cluster, and nothing else: store, hub and TLS port in this process. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Hub } from '../src/orchestrator/hub/hub.ts';
import { startHubServer } from '../src/orchestrator/hub/server.ts';
import { loadAuthority } from '../src/orchestrator/security/authority.ts';
import { addAgent, type GivenCredential } from '../src/orchestrator/security/credential.ts';
import { openStore } from '../src/orchestrator/store/store.ts';
import { systemClock } from '../src/shared/clock.ts';
import { silentLog } from '../src/shared/log.ts';
import { Child } from '../test/support/child.ts';
import { makeScratch } from '../test/support/scratch.ts';
import { asImaged } from './as-imaged.ts';

export interface SmallOrchestrator extends AsyncDisposable {
  hub: Hub;
  port: number;
  folder: string;
  /** For account `bench`. */
  credential: GivenCredential;
}

/** @param hosts that agents reach it by, beside loopback */
export async function startSmallOrchestrator(hosts: string[] = []): Promise<SmallOrchestrator> {
  const stack = new AsyncDisposableStack();
  const scratch = stack.use(makeScratch('bench'));
  const dataDir = join(scratch.folder, 'data');
  const store = await openStore({ dataDir, databaseUrl: undefined, log: silentLog });
  stack.defer(() => store.close());
  const authority = await loadAuthority({ dataDir, hosts: ['127.0.0.1', ...hosts], now: () => Date.now() });
  const hub = new Hub({ store, clock: systemClock, log: silentLog });
  await hub.start();
  const server = await startHubServer({ hub, address: { host: '127.0.0.1', port: 0 }, authority });
  stack.defer(() => server.stop());
  const credential = await addAgent(store, authority, `127.0.0.1:${server.port}`, 'bench');
  return {
    hub,
    port: server.port,
    folder: scratch.folder,
    credential,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export interface AgentProgram extends AsyncDisposable {
  child: Child;
}

/**
 * Starts an agent from its source, with Node as the image runs it; returns once it is connected.
 * @param env wins over what it is given otherwise
 */
export async function startAgentProcess(
  folder: string,
  credential: GivenCredential,
  kubeconfig: string,
  namespace: string,
  isConnected: () => boolean,
  env: Record<string, string> = {},
): Promise<AgentProgram> {
  const file = join(folder, 'agent-credential.json');
  writeFileSync(file, JSON.stringify(credential), { mode: 0o600 });
  const imaged = asImaged();
  const agent = new Child({
    name: 'agent',
    folder,
    args: [...imaged.flags, 'src/agent/main.ts'],
    env: {
      ...imaged.env,
      SLUICE_CREDENTIAL_FILE: file,
      SLUICE_KUBECONFIG: kubeconfig,
      SLUICE_ALLOWED_NAMESPACES: namespace,
      SLUICE_LOG_LEVEL: 'warn',
      ...env,
    },
  });
  await agent.start();
  await agent.until('it is connected', () => (isConnected() ? true : undefined));
  return { child: agent, [Symbol.asyncDispose]: () => agent.stop() };
}
