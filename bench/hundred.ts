/** A hundred releases at once: how soon each gets its first weight, and whether its steps come when they were asked for. */

import { join } from 'node:path';
import { canaryPercent } from '../examples/demo/observe.ts';
import type { CanaryStep } from '../src/orchestrator/file/resolved.ts';
import type { KubeObject } from '../src/protocol/kube-object.ts';
import { makeScratch } from '../test/support/scratch.ts';
import type { Kube } from '../test/support/kube.ts';
import { cpuSeconds } from './cpu-seconds.ts';
import { begin, type Application } from './deployment.ts';
import { rowOf, type Row } from './measure.ts';
import { startPodlessCluster } from './podless-cluster.ts';
import { startAgentProcess } from './small-orchestrator.ts';
import { startOrchestratorHere } from '../test/support/orchestrator-here.ts';

/** Fewer where the machine is shared: `BENCH_RELEASES=20`. */
const count = Number(process.env['BENCH_RELEASES'] ?? 100);
const pauseMs = 1_000;
const weights = [10, 20, 30, 40, 50];
const namespaces = Array.from({ length: 10 }, (_, index) => `bench-${index}`);

export async function hundred(): Promise<Row[]> {
  const startedAt = performance.now();
  const say = (what: string): void =>
    console.log(`hundred: ${((performance.now() - startedAt) / 1000).toFixed(1)} s: ${what}`);
  await using cluster = await startPodlessCluster(namespaces);
  say('the cluster is there');
  await using stack = new AsyncDisposableStack();
  const scratch = stack.use(makeScratch('bench'));
  const orchestrator = await startOrchestratorHere(join(scratch.folder, 'data'));
  stack.defer(() => orchestrator.stop());
  const credential = await orchestrator.addAgent('bench');
  const isConnected = (): boolean => orchestrator.hub.isConnected('bench');
  const allowed = namespaces.join(',');
  stack.use(await startAgentProcess(scratch.folder, credential, cluster.kubeconfig, allowed, isConnected));

  const beginAll = (version: string, steps: CanaryStep[]): Promise<{ id: string; ended: Promise<string> }[]> =>
    Promise.all(applications(version, steps).map((each) => begin(orchestrator, each)));
  say('the agent is connected');
  const outcomes = await Promise.all((await beginAll('v0', [])).map(({ ended }) => ended));
  if (outcomes.some((outcome) => outcome !== 'succeeded')) throw new Error('A first deployment did not succeed.');
  say('every first deployment is done');
  const seen = await watchReleases(cluster.kube);
  stack.defer(seen.stop);
  const [before, askedAt] = [cpuSeconds(), performance.now()];
  const begun = await beginAll('v1', stepsOf());
  await Promise.race([seen.complete, ...begun.map(untilItFails)]);
  const used = [...cpuSeconds()].map(([name, seconds]) => `${name} ${(seconds - (before.get(name) ?? 0)).toFixed(1)}`);
  say(`every release had its last weight; processor seconds: ${used.join(', ')}`);

  const releases = [...seen.releases.values()];
  const first = releases.map((release) => release.weightAt(weights[0] ?? 0));
  return [
    rowOf(
      'hundred',
      'asked to first weight stored',
      first.map((at) => at - askedAt),
      null,
    ),
    rowOf(
      'hundred',
      'canary ready to first weight stored',
      first.map((at, index) => at - (releases[index]?.readyAt ?? 0)),
      2_000,
    ),
    rowOf('hundred', `one weight to the next, ${pauseMs} ms asked`, releases.flatMap(gaps), pauseMs + 50),
  ];
}

/** Never resolves: a run that succeeds has had its weights. */
async function untilItFails({ id, ended }: { id: string; ended: Promise<string> }): Promise<never> {
  const outcome = await ended;
  if (outcome !== 'succeeded') throw new Error(`${id} ended as ${outcome}.`);
  return new Promise(() => {});
}

function stepsOf(): CanaryStep[] {
  return weights.flatMap((weight): CanaryStep[] => [
    { kind: 'setWeight', weight },
    { kind: 'pause', durationMs: pauseMs },
  ]);
}

function applications(version: string, steps: CanaryStep[]): Application[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `app-${index}`,
    account: 'bench',
    namespace: namespaces[index % namespaces.length] ?? '',
    image: 'sluice.test/app:1',
    replicas: 1,
    version,
    steps,
  }));
}

class Release {
  readyAt: number | undefined;
  readonly #weights = new Map<number, number>();

  show(weight: number): void {
    if (!this.#weights.has(weight)) this.#weights.set(weight, performance.now());
  }

  get isComplete(): boolean {
    return weights.every((weight) => this.#weights.has(weight));
  }

  weightAt(weight: number): number {
    const at = this.#weights.get(weight);
    if (at === undefined) throw new Error(`Weight ${weight} was never stored.`);
    return at;
  }
}

function gaps(release: Release): number[] {
  return weights.slice(1).map((weight, index) => release.weightAt(weight) - release.weightAt(weights[index] ?? 0));
}

interface Seen {
  releases: Map<string, Release>;
  /** Resolves when every release had its last weight. */
  complete: Promise<void>;
  stop: () => void;
}

async function watchReleases(kube: Kube): Promise<Seen> {
  const releases = new Map<string, Release>();
  const { promise: complete, resolve } = Promise.withResolvers<void>();
  const left = (): number => count - [...releases.values()].filter((release) => release.isComplete).length;
  const of = (name: string): Release => {
    const known = releases.get(name) ?? new Release();
    releases.set(name, known);
    return known;
  };
  const stops = [
    await kube.watch('/apis/discovery.k8s.io/v1/endpointslices', ({ type, object }) => {
      const [, name] = /^(.*)-canary$/.exec(object.metadata.labels?.['kubernetes.io/service-name'] ?? '') ?? [];
      if (name !== undefined && type !== 'DELETED' && isReady(object)) of(name).readyAt ??= performance.now();
    }),
    await kube.watch('/apis/split.smi-spec.io/v1alpha2/trafficsplits', ({ type, object }) => {
      if (type !== 'DELETED') of(object.metadata.name).show(Math.round(canaryPercent(object)));
      if (left() === 0) resolve();
    }),
  ];
  return { releases, complete, stop: () => stops.forEach((stop) => stop()) };
}

function isReady(slice: KubeObject): boolean {
  const { endpoints } = slice as unknown as { endpoints?: { conditions?: { ready?: boolean } }[] | null };
  return (endpoints ?? []).some(({ conditions }) => conditions?.ready === true);
}
