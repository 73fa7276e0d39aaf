/** Operations per second through one stream, beside the same calls made directly with client-node on one kept pool of connections, by turns. */

import { readFileSync } from 'node:fs';
import { CustomObjectsApi, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { OperationSpec } from '../src/protocol/operation.ts';
import { startControlPlane } from '../test/cluster/control-plane.ts';
import { installCrds } from '../test/cluster/mesh/install-crds.ts';
import { makeScratch } from '../test/support/scratch.ts';
import { SmallHub } from '../test/support/small-hub.ts';
import { rowOf, type Row } from './measure.ts';
import { startAgentProcess, startSmallOrchestrator } from './small-orchestrator.ts';

const namespace = 'bench';
const group = 'split.smi-spec.io';
const version = 'v1alpha2';
const apiVersion = `${group}/${version}`;
const objects = 64;
/** In flight; the link grants 64. */
const parallel = 32;
/** One half are GETs, the other merge PATCHes. */
const calls = 400;
const warmUp = 2;
const rounds = 20;

/** Each on objects of its own: two orchestrators number what they write in different ways. */
const order = ['direct', 'agent', 'whole'] as const;
type WayName = (typeof order)[number];

/** Does the call of this number, to its end. */
type Way = (number: number) => Promise<void>;

export async function throughput(): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await startControlPlane());
  await installCrds(plane.api);
  await plane.api.call('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  const path = `/apis/${apiVersion}/namespaces/${namespace}/trafficsplits`;
  for (const way of order) {
    for (let at = 0; at < objects; at++) await plane.api.call('POST', path, split(way, at, 0));
  }

  const scratch = stack.use(makeScratch('bench-agent'));
  const smallHub = stack.use(await new SmallHub().listen());
  const credential = { account: 'bench', token: 'token' } as never;
  const plain = { SLUICE_SERVER: `127.0.0.1:${smallHub.port}`, SLUICE_INSECURE_LOOPBACK: '1' };
  const isThere = (): boolean => smallHub.heartbeats > 0;
  const alone = stack.use(
    await startAgentProcess(scratch.folder, credential, plane.kubeconfig, namespace, isThere, plain),
  );
  const orchestrator = stack.use(await startSmallOrchestrator());
  const { hub, folder } = orchestrator;
  const isConnected = (): boolean => hub.isConnected('bench');
  stack.use(await startAgentProcess(folder, orchestrator.credential, plane.kubeconfig, namespace, isConnected));

  const ways: Record<WayName, Way> = {
    direct: directly(plane.kubeconfig),
    agent: async (number) => must(await smallHub.run(namespace, specOf('agent', number))),
    whole: async (number) => {
      const [id, notAfterMs] = [`throughput/${number}`, Date.now() + 30_000];
      must(
        await hub.execute('bench', { id, deploymentId: 'bench', namespace, notAfterMs, spec: specOf('whole', number) }),
      );
    },
  };
  const cpu = { direct: [] as number[], here: [] as number[], agent: [] as number[] };
  const rates = { direct: [] as number[], agent: [] as number[], whole: [] as number[] };
  for (let round = 0; round < warmUp + rounds; round++) {
    for (let turn = 0; turn < order.length; turn++) {
      const name = order[(round + turn) % order.length] ?? 'direct';
      const [hereBefore, agentBefore] = [ownCpuMs(), cpuMsOf(alone.child.pid)];
      const rate = await perSecond(ways[name], (round * order.length + turn) * calls);
      if (round < warmUp) continue;
      rates[name].push(rate);
      const here = (ownCpuMs() - hereBefore) / calls;
      if (name === 'direct') cpu.direct.push(here);
      if (name !== 'agent') continue;
      cpu.here.push(here);
      cpu.agent.push((cpuMsOf(alone.child.pid) - agentBefore) / calls);
    }
  }
  const ratio = (name: 'agent' | 'whole'): number[] => rates[name].map((rate, at) => rate / (rates.direct[at] ?? NaN));
  const row = (metric: string, samples: number[], target: number | null, unit: Row['unit']): Row =>
    rowOf('throughput', metric, samples, target, unit, true);
  return [
    row(`agent alone to client-node direct, ${parallel} at once`, ratio('agent'), 0.9, 'x'),
    row('hub, PostgreSQL and agent to client-node direct', ratio('whole'), null, 'x'),
    row('client-node direct, one pool', rates.direct, null, '/s'),
    row('agent alone', rates.agent, null, '/s'),
    row('hub, PostgreSQL and agent', rates.whole, null, '/s'),
    // What a full machine does not change: who needs how much of a processor for one call.
    rowOf('throughput', 'processor time per call, client-node direct', cpu.direct, null),
    rowOf('throughput', 'processor time per call, agent', cpu.agent, null),
    rowOf('throughput', 'processor time per call, the small hub it speaks with', cpu.here, null),
  ];
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** In ticks of 10 ms, which is what Linux counts by. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function perSecond(way: Way, from: number): Promise<number> {
  let next = from;
  const startMs = performance.now();
  const worker = async (): Promise<void> => {
    while (next < from + calls) await way(next++);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return (calls / (performance.now() - startMs)) * 1000;
}

function specOf(way: WayName, number: number): OperationSpec {
  const object = { apiVersion, kind: 'TrafficSplit', namespace, name: nameOf(way, number) };
  if (number % 2 === 0) return { kind: 'get', object };
  return { kind: 'patch', object, type: 'merge', body: { spec: split(way, number, number)['spec'] } };
}

function directly(kubeconfig: string): Way {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  keepDispatcher(config);
  const api = config.makeApiClient(CustomObjectsApi);
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  return async (number) => {
    const which = { group, version, namespace, plural: 'trafficsplits', name: nameOf('direct', number) };
    if (number % 2 === 0) await api.getNamespacedCustomObject(which);
    else
      await api.patchNamespacedCustomObject(
        { ...which, body: { spec: split('direct', number, number)['spec'] } },
        merge,
      );
  };
}

/** As it ships, client-node makes a pool, and so a TLS handshake, for each request. */
function keepDispatcher(config: KubeConfig): void {
  // The method is private there; this is what its users override.
  const shipped = config as unknown as { createDispatcher(...args: unknown[]): unknown };
  const create = shipped.createDispatcher.bind(config);
  let kept: unknown;
  shipped.createDispatcher = (...args) => (kept ??= create(...args));
}

function nameOf(way: WayName, number: number): string {
  // Both halves go to all objects.
  return `${way}-${Math.floor(number / 2) % objects}`;
}

function split(way: WayName, number: number, canary: number): Record<string, unknown> {
  const backends = [
    { service: 'stable', weight: 10_000 },
    { service: 'canary', weight: canary },
  ];
  const name = `${way}-${number % objects}`;
  return { apiVersion, kind: 'TrafficSplit', metadata: { name }, spec: { service: 'root', backends } };
}

function must({ state, code, message }: { state: string; code: string; message: string }): void {
  if (state !== 'succeeded') throw new Error(`${code}: ${message}`);
}
