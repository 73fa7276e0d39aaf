/** Resident memory of the bundled agent, run as its image runs it, beside many pods: some in its namespaces, most elsewhere. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject } from '../src/protocol/kube-object.ts';
import { startControlPlane, type ControlPlane } from '../test/cluster/control-plane.ts';
import { node, repository } from '../test/support/child.ts';
import { openKube, type Kube } from '../test/support/kube.ts';
import { asImaged, type NodeRun } from './as-imaged.ts';
import { rowOf, type Row } from './measure.ts';
import { podHash, ready, realisticPod } from './realistic-pod.ts';
import { startSmallOrchestrator, type SmallOrchestrator } from './small-orchestrator.ts';

const own = Array.from({ length: 5 }, (_, at) => `watched-${at}`);
const elsewhere = Array.from({ length: 10 }, (_, at) => `elsewhere-${at}`);
const podsPerOwn = 1000;
const podsPerElsewhere = 2000;
const workloads = Array.from({ length: 10 }, (_, at) => `workload-${at}`);
const [idleTargetMiB, targetMiB] = [95, 110];
const parallel = 24;
const MERGE = 'application/merge-patch+json';
const folder = '/run/secrets/kubernetes.io/serviceaccount';

export async function memoryWithPods(): Promise<Row[]> {
  await using world = await startPods();
  return await measureAgent(world, asImaged());
}

interface Pods extends AsyncDisposable {
  plane: ControlPlane;
  orchestrator: SmallOrchestrator;
}

async function startPods(): Promise<Pods> {
  const stack = new AsyncDisposableStack();
  const plane = stack.use(await startControlPlane());
  using kube = await openKube(plane.kubeconfig);
  for (const name of [...own, ...elsewhere]) await kube.call('POST', '/api/v1/namespaces', { metadata: { name } });
  const jobs: (() => Promise<void>)[] = [];
  for (const namespace of own) {
    const owners = await Promise.all(workloads.map((workload) => makeWorkload(kube, namespace, workload)));
    for (const number of numbers(podsPerOwn)) {
      jobs.push(() => makePod(kube, namespace, number, owners[number % owners.length]));
    }
  }
  for (const namespace of elsewhere) {
    for (const number of numbers(podsPerElsewhere)) jobs.push(() => makePod(kube, namespace, number, undefined));
  }
  await allOf(jobs);
  const orchestrator = stack.use(await startSmallOrchestrator());
  return { plane, orchestrator, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function measureAgent({ plane, orchestrator }: Pods, run: NodeRun): Promise<Row[]> {
  execFileSync(node, ['scripts/build.ts', 'agent'], { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] });
  await using agent = await startBundle(plane, orchestrator, run);
  const { hub } = orchestrator;
  while (!hub.isConnected('bench')) await delay(20);
  const idle = await sampleMiB(agent.pid, 20);
  const ids: string[] = [];
  for (const namespace of own) {
    for (const deployment of workloads) {
      const id = `${namespace}/${deployment}`;
      ids.push(id);
      const nothing = { services: [], routes: [], profiles: [], jobs: [] };
      hub.watch('bench', { id, namespace, deployment, ...nothing });
    }
  }
  const endMs = performance.now() + 120_000;
  while (ids.some((id) => hub.latest(id)?.pods.length !== podsPerOwn / workloads.length)) {
    if (performance.now() > endMs) throw new Error('Not every watch showed all its pods within two minutes.');
    await delay(100);
  }
  const full = await sampleMiB(agent.pid, 30);
  for (const id of ids) hub.unwatch('bench', id);
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))?.[1];
  const many = `5,000 pods watched, 20,000 elsewhere`;
  return [
    rowOf('memory', 'bundled agent beside 25,000 pods, idle', idle, idleTargetMiB, 'MiB'),
    rowOf('memory', `bundled agent, ${many}`, full, targetMiB, 'MiB'),
    rowOf('memory', 'the same, its highest', [Number(peak) / 1024], null, 'MiB'),
  ];
}

/** A Deployment and its ReplicaSet, as their controller would leave them. @returns the ReplicaSet's uid. */
async function makeWorkload(kube: Kube, namespace: string, name: string): Promise<string> {
  const path = `/apis/apps/v1/namespaces/${namespace}`;
  const labels = { 'app.kubernetes.io/name': name, 'pod-template-hash': podHash };
  const spec = {
    replicas: podsPerOwn / workloads.length,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app:1' }] } },
  };
  const { uid } = await make(kube, `${path}/deployments`, { metadata: { name }, spec });
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true };
  const metadata = { name: `${name}-${podHash}`, labels, ownerReferences: [owner] };
  return (await make(kube, `${path}/replicasets`, { metadata, spec })).uid ?? '';
}

/** @param owner of a pod whose status is read as well; elsewhere nobody reads it. */
async function makePod(kube: Kube, namespace: string, number: number, owner: string | undefined): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const workload = workloads[number % workloads.length] ?? '';
  const { name } = await make(kube, path, realisticPod(workload, number, owner ?? 'none'));
  if (owner === undefined) return;
  const { status } = await kube.call('PATCH', `${path}/${name}/status`, { status: ready(number) }, MERGE);
  if (status !== 200) throw new Error(`The status of ${name}: ${status}`);
}

async function make(kube: Kube, path: string, object: object): Promise<KubeObject['metadata']> {
  const { status, body } = await kube.call('POST', path, object);
  if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`);
  return (body as KubeObject).metadata;
}

interface Bundle extends AsyncDisposable {
  pid: number;
}

/** As a pod has it: the ServiceAccount's files where the kubelet mounts them, in a mount namespace of the agent's own. */
async function startBundle(
  plane: ControlPlane,
  orchestrator: SmallOrchestrator,
  { flags, env }: NodeRun,
): Promise<Bundle> {
  const files = join(orchestrator.folder, 'service-account');
  mkdirSync(files, { recursive: true });
  const kubeconfig = readFileSync(plane.kubeconfig, 'utf8');
  const authority = /certificate-authority-data["']?: *["']?([A-Za-z0-9+/=]+)/.exec(kubeconfig)?.[1] ?? '';
  writeFileSync(join(files, 'ca.crt'), Buffer.from(authority, 'base64'));
  writeFileSync(join(files, 'token'), await plane.token('agent', 'agent'));
  await plane.api.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'agent' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'agent', namespace: 'agent' }],
  });
  const credential = join(orchestrator.folder, 'bundle-credential.json');
  writeFileSync(credential, JSON.stringify(orchestrator.credential), { mode: 0o600 });
  const { hostname, port } = new URL(plane.url);
  const script = `mount -t tmpfs none /run && mkdir -p ${folder} && cp "$0"/* ${folder} && exec "$@"`;
  const program = [realpathSync(node), ...flags, 'src/agent/main.js'];
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, files, ...program], {
    cwd: join(repository, 'dist/agent'),
    env: {
      PATH: process.env['PATH'] ?? '',
      ...env,
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      SLUICE_CREDENTIAL_FILE: credential,
      SLUICE_ALLOWED_NAMESPACES: own.join(','),
      SLUICE_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const exit = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exit;
    },
  };
}

async function sampleMiB(pid: number, seconds: number): Promise<number[]> {
  const samples: number[] = [];
  for (let second = 0; second < seconds; second++) {
    await delay(1000);
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    samples.push(Number(kilobytes) / 1024);
  }
  return samples;
}

async function allOf(jobs: (() => Promise<void>)[]): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) await job();
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}
