/** What the demo reads from the cluster itself, beside Sluice: weights as stored, pods, and what was left behind. */

import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Kube } from '../../test/support/kube.ts';
import type { LoadSnapshot } from './load-counts.ts';
import type { WeightSeen } from './report.ts';

const splits = 'apis/split.smi-spec.io/v1alpha2';

interface Backend {
  service: string;
  weight: number | string;
}

/** Percent of a split's traffic that goes to its canary. */
export function canaryPercent(split: KubeObject): number {
  const { backends = [] } = split['spec'] as { backends?: Backend[] };
  const total = backends.reduce((sum, { weight }) => sum + Number(weight), 0);
  const canary = backends.find(({ service }) => service.endsWith('-canary'));
  return total === 0 ? 0 : (Number(canary?.weight ?? 0) * 100) / total;
}

export interface WeightWatch {
  /** In the order they were stored. Complete once the watch is stopped. */
  weights: WeightSeen[];
  stop(): Promise<void>;
}

/** Half a second after a weight is stored, every proxy has it. */
const settleMs = 500;

/**
 * Follows the split of a namespace; with each new weight the load is counted at once.
 * @param count all clients' counts now
 * @param onWeight called at each new weight
 */
export async function watchWeights(
  kube: Kube,
  namespace: string,
  count: () => Promise<LoadSnapshot>,
  onWeight: (weight: number) => void,
): Promise<WeightWatch> {
  const pending: Promise<WeightSeen>[] = [];
  let last: number | undefined;
  const stopWatch = await kube.watch(`/${splits}/namespaces/${namespace}/trafficsplits`, ({ type, object }) => {
    if (type !== 'ADDED' && type !== 'MODIFIED') return;
    const weight = canaryPercent(object);
    if (weight === last) return;
    last = weight;
    onWeight(weight);
    pending.push(see(weight, count));
  });
  const weights: WeightSeen[] = [];
  return {
    weights,
    stop: async () => {
      stopWatch();
      weights.push(...(await Promise.all(pending)));
    },
  };
}

async function see(weight: number, count: () => Promise<LoadSnapshot>): Promise<WeightSeen> {
  const counts = await count();
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  return { weight, counts, settled: await count() };
}

export interface PodSeen {
  uid: string;
  version: string;
  restarts: number;
}

/** The application's pods, with the version each was told to be. */
export async function podsOf(kube: Kube, namespace: string, app: string): Promise<PodSeen[]> {
  const pods = await kube.list(`/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`);
  return pods.map(({ metadata, ...pod }) => {
    const spec = pod['spec'] as { containers: { env?: { name: string; value?: string }[] }[] };
    const status = pod['status'] as { containerStatuses?: { restartCount: number }[] };
    return {
      uid: metadata.uid ?? '',
      version: spec.containers[0]?.env?.find(({ name }) => name === 'VERSION')?.value ?? '',
      restarts: (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
    };
  });
}

/** Pods of `earlier` that are no longer there, and restarts of those that are. */
export function restartsSince(earlier: PodSeen[], now: PodSeen[]): number {
  const byUid = new Map(now.map((pod) => [pod.uid, pod]));
  return earlier.reduce((sum, { uid, restarts }) => {
    const pod = byUid.get(uid);
    return sum + (pod === undefined ? 1 : pod.restarts - restarts);
  }, 0);
}

const kinds = [
  `${splits}:trafficsplits`,
  'apis/gateway.networking.k8s.io/v1:httproutes',
  'api/v1:services',
  'api/v1:configmaps',
  'apis/apps/v1:deployments',
  'apis/apps/v1:replicasets',
  'apis/batch/v1:jobs',
];

/** What a run made and did not remove, or changed and did not put back. An adopted ReplicaSet is the user's again. */
export async function leftBehind(kube: Kube, namespace: string): Promise<string[]> {
  const found: string[] = [];
  for (const kind of kinds) {
    const [api, resource] = kind.split(':');
    const items = await kube.list(`/${api}/namespaces/${namespace}/${resource}`);
    found.push(...items.filter(isLeft).map(({ metadata }) => `${resource} ${metadata.name}`));
  }
  return found;
}

function isLeft(object: KubeObject): boolean {
  const { labels = {}, annotations = {}, ownerReferences = [] } = object.metadata;
  const spec = (object['spec'] ?? {}) as { paused?: boolean; selector?: Record<string, string>; replicas?: number };
  if (
    annotations['sluice.dev/restore'] !== undefined ||
    labels['sluice.dev/held'] !== undefined ||
    spec.paused === true
  )
    return true;
  if (spec.selector?.['pod-template-hash'] !== undefined) return true;
  return labels['sluice.dev/role'] !== undefined && ownerReferences.length === 0;
}
