/** Agents that elect one of them, as the chart installs them: its Lease, its Roles, a process for each pod. */

import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { AgentStatus } from '../../src/agent/status-server.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import { createLog } from '../../src/shared/log.ts';
import { until } from '../cluster/api.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { program } from '../cluster/programs.ts';
import { startAgent } from './agent.ts';
import { startAgentProcess } from './agent-process.ts';
import { repository } from './child.ts';
import { KubeGate } from './kube-gate.ts';
import { makeScratch } from './scratch.ts';

/** What the rendered chart calls it, with the release `agent`. */
export const leaseName = 'agent-sluice-agent';

export interface ElectedAgent {
  /** All that it asks of the API server goes through here. */
  gate: KubeGate;
  status(): Promise<AgentStatus>;
  /** Status code and body of /readyz. */
  ready(): Promise<string>;
  /** Of its log so far. */
  messages(): string[];
  /** Resolves once its log has a message that begins so. @returns when, in milliseconds of the wall clock. */
  says(message: string): Promise<number>;
  /** As an operator would. */
  stop(): Promise<unknown>;
}

interface ElectedProcess extends ElectedAgent {
  kill(signal: NodeJS.Signals): void;
  exit: Promise<number | null>;
}

export interface ElectedAgents extends AsyncDisposable {
  leasePath: string;
  /** In the test's own process. @param server port of its hub. */
  start(pod: string, server: number, leaseSeconds: number): Promise<ElectedAgent>;
  /** In a process of its own. */
  spawn(pod: string, server: number, leaseSeconds: number): Promise<ElectedProcess>;
}

/** The chart as it is rendered, in release `agent`. */
export async function renderChart(namespace: string, ...set: string[]): Promise<KubeObject[]> {
  const values = [`allowedNamespaces={${namespace}}`, ...set].flatMap((value) => ['--set', value]);
  const args = ['template', 'agent', join(repository, 'helm/agent'), '--namespace', namespace, ...values];
  const { status, stdout, stderr } = spawnSync(await program('helm'), args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS() as KubeObject);
}

const RESOURCES: Record<string, string> = { Role: 'roles', RoleBinding: 'rolebindings', Lease: 'leases' };

/** Makes what the chart makes of rights and Lease, in a namespace that the agents also watch. */
export async function electedAgents(plane: ControlPlane, namespace: string, ...set: string[]): Promise<ElectedAgents> {
  const kubeconfig = await plane.kubeconfigFor(namespace, leaseName);
  for (const object of await renderChart(namespace, 'replicaCount=2', ...set)) {
    const resource = RESOURCES[object.kind];
    if (resource === undefined) continue;
    const path = `/apis/${object.apiVersion}/namespaces/${namespace}/${resource}`;
    const { status, body } = await plane.api.call('POST', path, object);
    if (status !== 201) throw new Error(`POST ${path}: ${JSON.stringify(body)}`);
  }
  const ends = new AsyncDisposableStack();
  const scratch = ends.use(makeScratch('elected-agents'));
  const credential = join(scratch.folder, 'credential.json');
  await writeFile(credential, JSON.stringify({ account: 'test', token: 'secret-token' }), { mode: 0o600 });

  return {
    leasePath: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${leaseName}`,
    async start(pod, server, leaseSeconds) {
      const gate = ends.use(await KubeGate.open(kubeconfig));
      let output = '';
      const destination = { write: (line: string) => void (output += line) };
      const agent = ends.use(
        await startAgent({
          server: `127.0.0.1:${server}`,
          kubeconfig: gate.kubeconfig,
          namespaces: [namespace],
          config: { lease: { name: leaseName, namespace, pod, leaseMs: leaseSeconds * 1000 } },
          log: createLog({ name: 'sluice-agent', format: 'json', level: 'info', destination }),
        }),
      );
      return { ...seen(gate, agent.healthPort, () => output), stop: () => agent.stop() };
    },
    async spawn(pod, server, leaseSeconds) {
      const gate = ends.use(await KubeGate.open(kubeconfig));
      const child = ends.use(
        startAgentProcess({
          SLUICE_SERVER: `127.0.0.1:${server}`,
          SLUICE_INSECURE_LOOPBACK: '1',
          SLUICE_CREDENTIAL_FILE: credential,
          SLUICE_ALLOWED_NAMESPACES: namespace,
          SLUICE_KUBECONFIG: gate.kubeconfig,
          SLUICE_HEALTH_ADDRESS: '127.0.0.1:0',
          SLUICE_LEASE_NAME: leaseName,
          SLUICE_LEASE_SECONDS: String(leaseSeconds),
          SLUICE_NAMESPACE: namespace,
          SLUICE_POD_NAME: pod,
        }),
      );
      const { output, kill, exit, says } = child;
      await says(/"msg":"agent started"/);
      const port = Number(/"health_port":(\d+)/.exec(output())?.[1]);
      const stop = (): Promise<unknown> => {
        kill('SIGTERM');
        return exit;
      };
      return { ...seen(gate, port, output), kill, exit, stop };
    },
    [Symbol.asyncDispose]: () => ends.disposeAsync(),
  };
}

function seen(gate: KubeGate, port: number, output: () => string): Omit<ElectedAgent, 'stop'> {
  const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
  const lines = (): { msg: string; time: string }[] =>
    output()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { msg: string; time: string });
  return {
    gate,
    status: async () => (await (await ask('/status')).json()) as AgentStatus,
    ready: async () => {
      const answer = await ask('/readyz');
      return `${answer.status} ${await answer.text()}`;
    },
    messages: () => lines().map(({ msg }) => msg),
    says: async (message) => {
      const find = (): string | undefined => lines().find(({ msg }) => msg.startsWith(message))?.time;
      await until(`the agent says "${message}"`, async () => find() !== undefined, { timeoutMs: 30_000 });
      return Date.parse(find() ?? '');
    },
  };
}
