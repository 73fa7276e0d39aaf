/** From the last canary pod being ready, as its EndpointSlice says it, to the first weight stored. */

import { canaryPercent } from '../examples/demo/observe.ts';
import type { KubeObject } from '../src/protocol/kube-object.ts';
import { namespace, startCanaryBench, type CanaryBench } from './canary.ts';
import { rowOf, type Row } from './measure.ts';

const splits = `/apis/split.smi-spec.io/v1alpha2/namespaces/${namespace}/trafficsplits`;
const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
const replicas = 2;
const runs = 15;

export async function firstWeight(): Promise<Row[]> {
  await using bench = await startCanaryBench(replicas);
  const samples: number[] = [];
  for (let run = 1; run <= runs; run++) samples.push(await measureOnce(bench, `v${run}`));
  return [rowOf('first-weight', 'canary ready to first weight stored', samples, 30)];
}

async function measureOnce(bench: CanaryBench, version: string): Promise<number> {
  let ready: number | undefined;
  const first = Promise.withResolvers<number>();
  const stops = [
    await bench.kube.watch(slices, ({ type, object }) => {
      if (type !== 'DELETED' && isReady(object)) ready ??= performance.now();
    }),
    await bench.kube.watch(splits, ({ type, object }) => {
      if (type !== 'DELETED' && canaryPercent(object) > 0) first.resolve(performance.now());
    }),
  ];
  const { id, ended } = await bench.deploy(version, [
    { kind: 'setWeight', weight: 1 },
    { kind: 'approval', requiresRoles: [] },
  ]);
  void ended.then((outcome) => first.reject(new Error(`The run ended as ${outcome} before its first weight.`)));
  const storedAt = await first.promise;
  await bench.abort(id);
  await ended;
  for (const stop of stops) stop();
  if (ready === undefined) throw new Error('The canary got its weight before it was ready.');
  return storedAt - ready;
}

/** The canary's own slice, every pod in it ready. */
function isReady(slice: KubeObject): boolean {
  if (slice.metadata.labels?.['kubernetes.io/service-name'] !== 'hello-canary') return false;
  const { endpoints } = slice as unknown as { endpoints?: { conditions?: { ready?: boolean } }[] | null };
  return (endpoints ?? []).filter(({ conditions }) => conditions?.ready === true).length >= replicas;
}
