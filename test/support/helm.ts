/** Installs the agent's chart into a test cluster, as a user would: image, Secret, `helm install`. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Cluster } from '../cluster/cluster.ts';
import { program } from '../cluster/programs.ts';
import { repository } from './child.ts';
import { agentImage, agentImageName } from './images.ts';

export const agentNamespace = 'sluice';

export interface AgentInstallation {
  /** Path of what `sluice agents add` wrote. */
  credentialFile: string;
  /** host:port as pods reach the orchestrator, if the credential says another. */
  server?: string;
  namespaces: string[];
}

/** @returns once the agent is ready, which means connected. */
export async function installAgent(cluster: Cluster, installation: AgentInstallation): Promise<void> {
  const [archive, helm] = await Promise.all([agentImage(), program('helm')]);
  await cluster.importImage(archive);
  await ensureNamespaces(cluster, [agentNamespace, ...installation.namespaces]);
  const { credentialFile, server, namespaces } = installation;
  const inNamespace = ['--namespace', agentNamespace];
  const secret = ['create', 'secret', 'generic', 'sluice-agent', `--from-file=credential.json=${credentialFile}`];
  await cluster.kubectl([...inNamespace, ...secret]);
  const values = [
    `image.repository=${agentImageName.repository}`,
    `image.tag=${agentImageName.tag}`,
    ...(server === undefined ? [] : [`server.address=${server}`]),
    `allowedNamespaces={${namespaces.join(',')}}`,
  ];
  await promisify(execFile)(helm, [
    'install',
    'sluice-agent',
    join(repository, 'helm/agent'),
    `--kubeconfig=${cluster.kubeconfig}`,
    ...inNamespace,
    ...values.flatMap((value) => ['--set', value]),
  ]);
  await agentReady(cluster);
}

/** Waits until the installed agent is connected. @throws after a minute, with the agent's log. */
export async function agentReady(cluster: Cluster): Promise<void> {
  const inNamespace = ['--namespace', agentNamespace];
  try {
    await cluster.kubectl([...inNamespace, 'rollout', 'status', 'deployment/sluice-agent', '--timeout=60s']);
  } catch (cause) {
    const log = await cluster.kubectl([...inNamespace, 'logs', 'deployment/sluice-agent']).catch(String);
    throw new Error(`The agent did not become ready. Its log:\n${log}`, { cause });
  }
}

async function ensureNamespaces(cluster: Cluster, names: string[]): Promise<void> {
  await cluster.apply(names.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
}
