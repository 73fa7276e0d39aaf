/** From the decision to the TrafficSplit stored: through store, hub, TLS and agent; a bare PATCH from here beside each one. */

import type { KubeObject } from '../src/protocol/kube-object.ts';
import { startControlPlane } from '../test/cluster/control-plane.ts';
import { installCrds } from '../test/cluster/mesh/install-crds.ts';
import { openKube, type Kube } from '../test/support/kube.ts';
import { rowOf, type Row } from './measure.ts';
import { startAgentProcess, startSmallOrchestrator, type SmallOrchestrator } from './small-orchestrator.ts';

const namespace = 'bench';
const apiVersion = 'split.smi-spec.io/v1alpha2';
const path = `/apis/${apiVersion}/namespaces/${namespace}/trafficsplits`;
const warmUp = 50;
const rounds = 500;

export async function shift(): Promise<Row[]> {
  await using plane = await startControlPlane();
  await installCrds(plane.api);
  using kube = await openKube(plane.kubeconfig);
  await kube.call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  for (const name of ['through-sluice', 'bare']) await kube.call('POST', path, splitOf(name, 0));
  const stored = await watchStored(kube);
  await using orchestrator = await startSmallOrchestrator();
  const { hub, folder, credential } = orchestrator;
  await using _agent = await startAgentProcess(folder, credential, plane.kubeconfig, namespace, () =>
    hub.isConnected('bench'),
  );
  const through: number[] = [];
  const answered: number[] = [];
  const bare: number[] = [];
  for (let round = 1; round <= warmUp + rounds; round++) {
    const sample = await shiftOnce(orchestrator, stored, round);
    const patched = await bareOnce(kube, round);
    if (round <= warmUp) continue;
    through.push(sample.storedMs);
    answered.push(sample.answeredMs);
    bare.push(patched);
  }
  stored.stop();
  const base = rowOf('shift', 'bare PATCH, kept-alive connection', bare, null);
  return [
    rowOf('shift', 'decision to TrafficSplit stored', through, round2(2 * base.p50)),
    rowOf('shift', 'decision to its result known and kept', answered, null),
    base,
  ];
}

interface Stored {
  /** Resolves with the time at which the watch showed the split with this weight. */
  at(weight: number): Promise<number>;
  stop(): void;
}

async function watchStored(kube: Kube): Promise<Stored> {
  const waiting = new Map<number, (ms: number) => void>();
  const stop = await kube.watch(path, ({ object }) => {
    if (object.metadata.name === 'through-sluice') waiting.get(weightOf(object))?.(performance.now());
  });
  return {
    at: (weight) => new Promise((resolve) => waiting.set(weight, resolve)),
    stop,
  };
}

async function shiftOnce(
  { hub }: SmallOrchestrator,
  stored: Stored,
  round: number,
): Promise<{ storedMs: number; answeredMs: number }> {
  const seen = stored.at(round);
  const start = performance.now();
  const result = await hub.execute('bench', {
    id: `shift/${round}`,
    deploymentId: 'bench',
    namespace,
    notAfterMs: Date.now() + 10_000,
    spec: {
      kind: 'patch',
      object: { apiVersion, kind: 'TrafficSplit', namespace, name: 'through-sluice' },
      type: 'merge',
      body: { spec: splitOf('through-sluice', round)['spec'] },
    },
  });
  const answeredAt = performance.now();
  if (result.state !== 'succeeded') throw new Error(`shift ${round}: ${result.code} ${result.message}`);
  // The watch's own way here is part of no shift: what is known to be stored earlier counts.
  return { storedMs: Math.min(await seen, answeredAt) - start, answeredMs: answeredAt - start };
}

async function bareOnce(kube: Kube, round: number): Promise<number> {
  const body = { spec: splitOf('bare', round)['spec'] };
  const start = performance.now();
  const { status } = await kube.call('PATCH', `${path}/bare`, body, 'application/merge-patch+json');
  if (status !== 200) throw new Error(`bare PATCH: ${status}`);
  return performance.now() - start;
}

function splitOf(name: string, canary: number): KubeObject {
  const backends = [
    { service: `${name}-stable`, weight: 10_000 - canary },
    { service: `${name}-canary`, weight: canary },
  ];
  return { apiVersion, kind: 'TrafficSplit', metadata: { name }, spec: { service: name, backends } };
}

function weightOf(split: KubeObject): number {
  const { backends } = split['spec'] as { backends: { weight: number }[] };
  return Number(backends[1]?.weight);
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
