/** The agent's chart where there is no straight way to the orchestrator, on a real node: through a proxy with a password; by a token, where something ends TLS. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadAuthority } from '../../src/orchestrator/security/authority.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { writeApplication } from '../support/application.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { freePort } from '../support/free-port.ts';
import { startOrchestrator, type Orchestrator } from '../support/harness.ts';
import { agentNamespace, enrolAgent, helm } from '../support/helm.ts';
import { agentImageName } from '../support/images.ts';
import { restricted } from '../support/orchestrator-pod.ts';
import { startMeshCluster } from '../support/mesh-cluster.ts';
import { makeScratch } from '../support/scratch.ts';
import { startTlsBalancer } from '../support/tls-balancer.ts';

const namespaces = ['shop', 'checkout'];
const image = 'sluice.test/app:v1';
/** A name that no DNS knows, but the proxy. */
const HOST = 'orchestrator.sluice.test';

const cleanUp = new AsyncDisposableStack();
let cluster: Cluster;

beforeAll(async () => {
  cluster = cleanUp.use(await startMeshCluster([image]));
  await cluster.apply([restricted(agentNamespace)]);
  for (const name of namespaces) await cluster.kubectl(['create', 'namespace', name]);
}, 600_000);

afterAll(async () => cleanUp.disposeAsync());

/** Installs by the line that is printed, and ships a first version to each namespace. */
async function installAndShip(orchestrator: Orchestrator, values: string): Promise<void> {
  const where = ['--namespaces', namespaces.join(','), '--image', agentImageName.repository];
  const { stdout } = await orchestrator.sluice(['agents', 'add', 'east', ...where]);
  await enrolAgent(cluster, `${stdout.trim()} ${values}`);
  for (const namespace of namespaces) {
    const more = { name: 'web', account: 'east', namespace, image, version: 'v1' };
    const file = await writeApplication(orchestrator.folder, more);
    const {
      code,
      stdout: told,
      stderr,
    } = await orchestrator.sluice(['deploy', '-n', namespace, '-f', file, '--watch']);
    expect({ code, told: told + stderr }).toMatchObject({ code: 0 });
  }
}

async function uninstall(): Promise<void> {
  await helm(cluster, ['uninstall', 'sluice-agent', '-n', agentNamespace, '--wait', '--timeout', '60s']);
  for (const namespace of namespaces) await cluster.kubectl(['-n', namespace, 'delete', 'deployment,service', 'web']);
}

it('an agent of several namespaces enrols and works through a proxy whose password lies in a Secret', async () => {
  await using orchestrator = await startOrchestrator({ publicAddress: async (port) => `${HOST}:${port}` });
  await using proxy = await startConnectProxy({ [HOST]: orchestrator.agentPort }, 'me:open sesame');
  await using way = carried(await cluster.reverse(proxy.port));
  const url = `http://me:open%20sesame@${way.address}`;
  const inNamespace = ['-n', agentNamespace];
  await cluster.kubectl([...inNamespace, 'create', 'secret', 'generic', 'proxy', `--from-literal=url=${url}`]);
  await installAndShip(orchestrator, '--set proxy.existingSecret=proxy');
  expect(new Set(proxy.asked)).toEqual(new Set([`${HOST}:${orchestrator.agentPort}`]));
  expect(await helm(cluster, ['test', 'sluice-agent', ...inNamespace])).toMatch(/Phase: +Succeeded/);
  await uninstall();
});

it('an agent enrols for a token, and works by it, where something before the orchestrator ends TLS', async () => {
  await using scratch = makeScratch('ends-tls');
  const port = await freePort();
  await using way = carried(await cluster.reverse(port));
  const [host = ''] = way.address.split(':');
  const { ca, server: pair } = await loadAuthority({ dataDir: scratch.folder, hosts: [host], now: Date.now });
  const caFile = join(scratch.folder, 'company.crt');
  await writeFile(caFile, ca);
  const env = { SLUICE_AGENT_PLAINTEXT: '1', SLUICE_AGENT_BEHIND_PROXY: '1', SLUICE_AGENT_CA_FILE: caFile };
  await using orchestrator = await startOrchestrator({ env, publicAddress: async () => way.address });
  using _balancer = await startTlsBalancer({ port, certificate: pair, target: () => orchestrator.agentPort });
  await installAndShip(orchestrator, '');
  expect((await orchestrator.sluice(['agents'])).stdout).toMatch(/east +connected/);
  await uninstall();
});

function carried<T extends { close: () => Promise<void> }>(carrier: T): T & AsyncDisposable {
  return Object.assign(carrier, { [Symbol.asyncDispose]: () => carrier.close() });
}
