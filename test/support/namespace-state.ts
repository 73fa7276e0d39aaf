/** What a namespace holds, as a test compares it before and after a run. */

import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Kube, KubeEvent } from './kube.ts';

const SPLITS = '/apis/split.smi-spec.io/v1alpha2';

/** Kinds that a run touches, by API path. */
const KINDS: Record<string, string> = {
  Deployment: '/apis/apps/v1/namespaces/NS/deployments',
  ReplicaSet: '/apis/apps/v1/namespaces/NS/replicasets',
  Service: '/api/v1/namespaces/NS/services',
  ConfigMap: '/api/v1/namespaces/NS/configmaps',
  TrafficSplit: `${SPLITS}/namespaces/NS/trafficsplits`,
  HTTPRoute: '/apis/gateway.networking.k8s.io/v1/namespaces/NS/httproutes',
  ServiceProfile: '/apis/linkerd.io/v1alpha2/namespaces/NS/serviceprofiles',
  Job: '/apis/batch/v1/namespaces/NS/jobs',
  Pod: '/api/v1/namespaces/NS/pods',
};

export function pathOf(kind: string, namespace: string, name?: string): string {
  const path = KINDS[kind];
  if (path === undefined) throw new Error(`no path for ${kind}`);
  return path.replace('NS', namespace) + (name === undefined ? '' : `/${name}`);
}

/** `Service web` -> resource version, for every object: equal maps are an untouched namespace. */
export async function versionsOf(kube: Kube, namespace: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const kind of Object.keys(KINDS)) {
    for (const { metadata } of await kube.list(pathOf(kind, namespace))) {
      found[`${kind} ${metadata.name}`] = metadata.resourceVersion ?? '';
    }
  }
  return found;
}

/** Names of objects by kind, but for pods and what the cluster itself puts into every namespace. */
export async function namesOf(kube: Kube, namespace: string): Promise<string[]> {
  const versions = await versionsOf(kube, namespace);
  return Object.keys(versions).filter((name) => !name.startsWith('Pod ') && name !== 'ConfigMap kube-root-ca.crt');
}

const MARKS = [
  'sluice.dev/restore',
  'sluice.dev/generation',
  'sluice.dev/held',
  'sluice.dev/rollout',
  'sluice.dev/role',
];

/** Marks of a run on an object that is the user's: what it must have restored. */
export function isMarked({ metadata, ...rest }: KubeObject): boolean {
  const spec = (rest['spec'] ?? {}) as { paused?: boolean; selector?: Record<string, unknown> };
  const keys = Object.keys({ ...metadata.annotations, ...metadata.labels });
  if (keys.some((key) => MARKS.includes(key)) || spec.paused === true) return true;
  return rest.kind === 'Service' && spec.selector?.['pod-template-hash'] !== undefined;
}

/** The canary's weights of every split of a namespace, in the order they were stored; repetitions left out. */
export async function followWeights(kube: Kube, namespace: string): Promise<{ weights: number[]; stop(): void }> {
  const weights: number[] = [];
  const see = ({ type, object }: KubeEvent): void => {
    if (type !== 'ADDED' && type !== 'MODIFIED') return;
    const { backends } = object['spec'] as { backends: { weight: number | string }[] };
    const weight = Number(backends[1]?.weight) / 100;
    if (weights.at(-1) !== weight) weights.push(weight);
  };
  const stop = await kube.watch(pathOf('TrafficSplit', namespace), see);
  return { weights, stop };
}

export interface PodFacts {
  uid: string;
  hash: string;
  restarts: number;
}

export async function podsOf(kube: Kube, namespace: string, app: string): Promise<PodFacts[]> {
  const pods = await kube.list(`${pathOf('Pod', namespace)}?labelSelector=app%3D${app}`);
  return pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, ...rest }) => {
      const { containerStatuses = [] } = (rest['status'] ?? {}) as { containerStatuses?: { restartCount: number }[] };
      const restarts = containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
      return { uid: metadata.uid ?? '', hash: metadata.labels?.['pod-template-hash'] ?? '', restarts };
    });
}
