/** Installs the agent's chart into a test cluster, as a user would: image, credential or join token, `helm install`. */

import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { RunningCluster } from '../cluster/cluster.ts';
import { program } from '../cluster/programs.ts';
import { repository } from './child.ts';
import { agentImage, agentImageName } from './images.ts';

export const agentNamespace = 'sluice';

interface AgentInstallation {
  /** Path of what `sluice agents add` wrote. */
  credentialFile: string;
  /** host:port as pods reach the orchestrator, if the credential says another. */
  server?: string;
  namespaces: string[];
  /** More of the chart's values, `key=value`. */
  values?: string[];
}

/** Runs Helm against the cluster. @returns what it printed. @throws with what it said, if it fails. */
export async function helm(cluster: RunningCluster, args: readonly string[]): Promise<string> {
  const binary = await program('helm');
  const { stdout } = await promisify(execFile)(binary, [...args, `--kubeconfig=${cluster.kubeconfig}`]);
  return stdout;
}

/** The folder of a chart of ours. */
export function chart(name: 'agent' | 'orchestrator'): string {
  return join(repository, 'helm', name);
}

/** As arguments of Helm. */
export function set(values: readonly string[]): string[] {
  return values.flatMap((value) => ['--set', value]);
}

/** @returns once the agent is ready, which means connected. */
export async function installAgent(cluster: RunningCluster, installation: AgentInstallation): Promise<void> {
  await cluster.importImage(await agentImage());
  await ensureNamespaces(cluster, [agentNamespace, ...installation.namespaces]);
  const { credentialFile, server, namespaces } = installation;
  const inNamespace = ['--namespace', agentNamespace];
  const secret = ['create', 'secret', 'generic', 'sluice-agent', `--from-file=credential.json=${credentialFile}`];
  await cluster.kubectl([...inNamespace, ...secret]);
  const values = [
    ...agentValues(namespaces),
    'credential.existingSecret=sluice-agent',
    ...(installation.values ?? []),
    ...(server === undefined ? [] : [`server.address=${server}`]),
  ];
  await helm(cluster, ['install', 'sluice-agent', chart('agent'), ...inNamespace, ...set(values)]);
  await agentReady(cluster);
}

/**
 * Runs the line that `sluice agents add` prints, in the folder of the checkout, as whoever pastes it does.
 * @returns once the agent is ready, which means enrolled and connected.
 */
export async function enrolAgent(cluster: RunningCluster, line: string): Promise<void> {
  await cluster.importImage(await agentImage());
  const path = `${dirname(await program('helm'))}:${process.env['PATH'] ?? ''}`;
  const env = { ...process.env, PATH: path, KUBECONFIG: cluster.kubeconfig };
  await promisify(execFile)('sh', ['-c', line], { cwd: repository, env });
  await agentReady(cluster);
}

/** What the chart is installed with, beside its credential. */
export function agentValues(namespaces: readonly string[]): string[] {
  return [
    `image.repository=${agentImageName.repository}`,
    `image.tag=${agentImageName.tag}`,
    `allowedNamespaces={${namespaces.join(',')}}`,
  ];
}

/**
 * Waits until the installed agent is connected. An agent that another one replaced stays away for half a minute, which from one to
 * two replicas may happen twice. @throws after two minutes, with the agent's log.
 */
export async function agentReady(cluster: RunningCluster): Promise<void> {
  const inNamespace = ['--namespace', agentNamespace];
  try {
    await cluster.kubectl([...inNamespace, 'rollout', 'status', 'deployment/sluice-agent', '--timeout=120s']);
  } catch (cause) {
    const log = await cluster.kubectl([...inNamespace, 'logs', 'deployment/sluice-agent']).catch(String);
    throw new Error(`The agent did not become ready. Its log:\n${log}`, { cause });
  }
}

/** Makes those that are missing; the others keep what they are labelled with. */
async function ensureNamespaces(cluster: RunningCluster, names: string[]): Promise<void> {
  for (const name of names) {
    const { status } = await cluster.api.call('POST', '/api/v1/namespaces', { metadata: { name } });
    if (status !== 201 && status !== 409) throw new Error(`The namespace ${name} could not be made: ${status}.`);
  }
}
