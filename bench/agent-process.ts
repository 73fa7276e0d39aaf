/** The agent as it ships, in a test cluster: its image, its chart, its limits; and its process, seen from outside. */

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster, type Cluster } from '../test/cluster/cluster.ts';
import { installCrds } from '../test/cluster/mesh/install-crds.ts';
import { installAgent } from '../test/support/helm.ts';
import { startSmallOrchestrator, type SmallOrchestrator } from './small-orchestrator.ts';

export interface InstalledAgent extends AsyncDisposable {
  cluster: Cluster;
  orchestrator: SmallOrchestrator;
}

/** @returns once it is connected. */
export async function startInstalledAgent(namespace: string): Promise<InstalledAgent> {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await startCluster());
  await installCrds(cluster.api);
  const orchestrator = stack.use(await startSmallOrchestrator([cluster.nodeAddress]));
  const { address } = await cluster.reverse(orchestrator.port);
  const credentialFile = join(orchestrator.folder, 'credential.json');
  writeFileSync(credentialFile, JSON.stringify(orchestrator.credential), { mode: 0o600 });
  await installAgent(cluster, { credentialFile, server: address, namespaces: [namespace] });
  const kept = stack.move();
  return { cluster, orchestrator, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The newest that was started as the image starts it: other clusters may run beside this one. @returns its id. */
export function agentProcess(): string {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(b) - Number(a))
    .find((pid) => read(pid, 'cmdline').startsWith('/nodejs/bin/node'));
  if (found === undefined) throw new Error('The agent does not run.');
  return found;
}

/** When it was started, in ms since 1970, to 10 ms. */
export function startedMs(pid: string): number {
  const afterName = read(pid, 'stat').slice(read(pid, 'stat').lastIndexOf(')') + 2);
  const ticks = Number(afterName.split(' ')[19]);
  const uptimeMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  return Date.now() - uptimeMs + ticks * 10;
}

/** Empty for a process that has ended meanwhile. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
