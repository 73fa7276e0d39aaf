/** The orchestrator as a user runs it in a cluster: its image, its chart, a volume that outlives its pods. */

import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RunningCluster } from '../cluster/cluster.ts';
import { ctr } from '../cluster/node.ts';
import { node } from './child.ts';
import { chart, helm, set } from './helm.ts';
import { bundle, orchestratorImage, orchestratorImageName } from './images.ts';

export const orchestratorNamespace = 'sluice-system';

const name = 'sluice-orchestrator';
const inNamespace = ['--namespace', orchestratorNamespace];

/** Runs the command line against it; never rejects for an exit code. */
type Sluice = (args: string[]) => Promise<{ code: number; stdout: string; stderr: string }>;

/** Of its one container, as the API tells it. */
export interface ContainerStatus {
  containerID: string;
  restartCount: number;
  ready: boolean;
  lastState: { terminated?: { exitCode: number; reason: string } };
}

export interface OrchestratorPod {
  /** Path of its data folder, on the node and so on this machine. */
  volume: string;
  sluice: Sluice;
  /** A JavaScript expression, worked out by Node inside the container. */
  evaluate(expression: string): Promise<string>;
  /** kubectl in its namespace. */
  kubectl(args: string[]): Promise<string>;
  container(): Promise<ContainerStatus>;
  /** To the container's first process, from outside. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Waits until the pod of the latest settings is ready. @throws after two minutes, with its log. */
  ready(): Promise<void>;
  /** 0: no pod when this returns; 1: a ready one. */
  scale(replicas: 0 | 1): Promise<void>;
}

/** @returns once it is ready. */
export async function installOrchestrator(cluster: RunningCluster): Promise<OrchestratorPod> {
  await cluster.importImage(await orchestratorImage());
  const volume = join(cluster.folder, 'volume-of-orchestrator');
  await mkdir(volume);
  await cluster.apply([restricted(orchestratorNamespace), persistentVolume(volume, orchestratorNamespace, name)]);
  const kubectl = (args: string[]): Promise<string> => cluster.kubectl([...inNamespace, ...args]);
  await helm(cluster, ['install', name, chart('orchestrator'), ...inNamespace, ...set(orchestratorValues())]);
  const ready = async (): Promise<void> => {
    await kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=120s']).catch(async (cause: unknown) => {
      const log = await kubectl(['logs', `deployment/${name}`]).catch(String);
      throw new Error(`The orchestrator's pod did not become ready. Its log:\n${log}`, { cause });
    });
  };
  await ready();
  const evaluate = async (expression: string): Promise<string> =>
    (await kubectl(['exec', `deployment/${name}`, '--', '/nodejs/bin/node', '-p', expression])).trim();
  const { port } = await cluster.forward(`${name}.${orchestratorNamespace}:8080`);
  const container = async (): Promise<ContainerStatus> => {
    const path = '{.items[0].status.containerStatuses[0]}';
    return JSON.parse(await kubectl(['get', 'pods', '-o', `jsonpath=${path}`])) as ContainerStatus;
  };
  return {
    volume,
    sluice: cli(
      `https://127.0.0.1:${port}`,
      await readFile(join(volume, 'api-token'), 'utf8'),
      join(volume, 'ca/trusted.crt'),
    ),
    evaluate,
    kubectl,
    container,
    ready,
    scale: async (replicas) => {
      await kubectl(['scale', `deployment/${name}`, `--replicas=${replicas}`]);
      if (replicas === 1) await ready();
      else
        await kubectl(['wait', '--for=delete', 'pod', `--selector=app.kubernetes.io/name=${name}`, '--timeout=120s']);
    },
    kill: async (signal) => {
      const id = (await container()).containerID.replace('containerd://', '');
      const kill = cluster.exec([...ctr(cluster.folder), 'tasks', 'kill', '--signal', signal, id]);
      const code = await new Promise((resolve) => kill.once('close', resolve));
      if (code !== 0) throw new Error(`ctr tasks kill ${id} ended with ${String(code)}`);
    },
  };
}

/** A namespace in which only pods may start that Pod Security calls `restricted`. */
export function restricted(namespace: string): object {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } };
}

/** What the chart is installed with; no requests are in flight in these tests, so it drains briefly. */
export function orchestratorValues(): string[] {
  const { repository, tag } = orchestratorImageName;
  return [`image.repository=${repository}`, `image.tag=${tag}`, 'run.drainSeconds=0.2'];
}

/**
 * Of the kind `local`: kubelet gives it to the pod's fsGroup, as it does those of cloud providers.
 * @param path a folder on the node and so on this machine.
 * @param claim the name of the claim that it is for.
 */
export function persistentVolume(path: string, namespace: string, claim: string): object {
  const node = { key: 'kubernetes.io/hostname', operator: 'In', values: ['node'] };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: claim },
    spec: {
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: '',
      claimRef: { namespace, name: claim },
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [node] }] } },
    },
  };
}

/** The command line that the image holds, on this machine, with the API's token and the authority that signed its certificate. */
function cli(url: string, token: string, authority: string): Sluice {
  const env = { ...process.env, SLUICE_URL: url, SLUICE_TOKEN: token.trim(), SLUICE_CA_FILE: authority };
  return async (args) => {
    const program = join(await bundle('orchestrator'), 'src/cli/main.js');
    try {
      return { code: 0, ...(await promisify(execFile)(node, [program, ...args], { env })) };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  };
}
