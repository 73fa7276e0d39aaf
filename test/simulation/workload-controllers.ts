/**
 * The Deployment and ReplicaSet controllers, as far as a rollout meets them: claiming by labels, the search for the new set (the
 * oldest with the same template), scaling while paused, the rolling update. After pkg/controller/deployment of Kubernetes, read
 * there; written anew.
 */

import type { KubeObject } from '../../src/protocol/kube-object.ts';
import { templateDigest } from '../../src/protocol/template-digest.ts';
import { type Body, matches, type Cluster } from './cluster.ts';
import { memoDigest } from './digest.ts';

const DESIRED = 'deployment.kubernetes.io/desired-replicas';
const REVISION = 'deployment.kubernetes.io/revision';
const HASH = 'pod-template-hash';
const ME = 'kube-controller-manager';

interface Template {
  metadata?: { labels?: Record<string, string> };
}

interface Workload {
  spec: {
    replicas: number;
    paused?: boolean | null;
    selector: { matchLabels?: Record<string, string> };
    template: Template;
  };
  status?: { replicas?: number; availableReplicas?: number; updatedReplicas?: number; observedGeneration?: number };
}

const replicasOf = (set: KubeObject): number => (set as Body<Workload>).spec.replicas;
const availableOf = (set: KubeObject): number => (set as Body<Workload>).status?.availableReplicas ?? 0;
const isControlledBy = (object: KubeObject, uid: string | undefined): boolean =>
  object.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid) === true;

export function syncDeployment(cluster: Cluster, key: string): void {
  const deployment = cluster.get(key);
  if (deployment === undefined) return;
  claimSets(cluster, deployment);
  const { spec } = deployment as Body<Workload>;
  const own = cluster.ofKind('ReplicaSet').filter((set) => isControlledBy(set, deployment.metadata.uid));
  const digest = memoDigest(spec.template);
  const [newest] = own.filter((set) => memoDigest((set as Body<Workload>).spec.template) === digest).toSorted(byAge);
  if (spec.paused === true) {
    if (newest !== undefined) annotate(cluster, newest, spec.replicas, revisionOf(own, newest));
    scale(
      cluster,
      deployment,
      newest,
      own.filter((set) => set !== newest),
    );
  } else if (newest !== undefined && isScaling(own, spec.replicas)) {
    annotate(cluster, newest, spec.replicas, revisionOf(own, newest));
    scale(
      cluster,
      deployment,
      newest,
      own.filter((set) => set !== newest),
    );
  } else roll(cluster, deployment, newest, own);
  report(cluster, key);
}

function byAge(left: KubeObject, right: KubeObject): number {
  const [a, b] = [left.metadata.creationTimestamp ?? '', right.metadata.creationTimestamp ?? ''];
  return a === b ? (left.metadata.name < right.metadata.name ? -1 : 1) : a < b ? -1 : 1;
}

/** Takes sets that its selector picks and nobody controls; lets go of those that it no longer picks. */
function claimSets(cluster: Cluster, deployment: KubeObject): void {
  const { uid = '', name } = deployment.metadata;
  const selector = (deployment as Body<Workload>).spec.selector.matchLabels;
  for (const set of cluster.ofKind('ReplicaSet')) {
    const isOurs = matches(selector, set.metadata.labels);
    const controller = set.metadata.ownerReferences?.find((owner) => owner.controller === true);
    const owners = (set.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
    if (isOurs && controller === undefined) {
      const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true };
      cluster.update(
        `ReplicaSet/${set.metadata.name}`,
        ME,
        (each) => (each.metadata.ownerReferences = [...owners, owner]),
      );
    } else if (!isOurs && controller?.uid === uid) {
      cluster.update(`ReplicaSet/${set.metadata.name}`, ME, (each) => (each.metadata.ownerReferences = owners));
    }
  }
}

function revisionOf(own: KubeObject[], newest: KubeObject): number {
  const others = own.filter((set) => set !== newest).map((set) => Number(set.metadata.annotations?.[REVISION] ?? 0));
  return Math.max(Number(newest.metadata.annotations?.[REVISION] ?? 0), Math.max(0, ...others) + 1);
}

function annotate(cluster: Cluster, set: KubeObject, desired: number, revision?: number): void {
  cluster.update(`ReplicaSet/${set.metadata.name}`, ME, ({ metadata }) => {
    metadata.annotations = {
      ...metadata.annotations,
      [DESIRED]: String(desired),
      ...(revision === undefined ? {} : { [REVISION]: String(revision) }),
    };
  });
}

function resize(cluster: Cluster, set: KubeObject, replicas: number, desired: number): void {
  if (cluster.get(`ReplicaSet/${set.metadata.name}`) === undefined) return;
  cluster.update(`ReplicaSet/${set.metadata.name}`, ME, (each) => {
    (each as Body<Workload>).spec.replicas = replicas;
    each.metadata.annotations = { ...each.metadata.annotations, [DESIRED]: String(desired) };
  });
}

function isScaling(own: KubeObject[], desired: number): boolean {
  return own.some((set) => {
    const noted = set.metadata.annotations?.[DESIRED];
    return replicasOf(set) > 0 && noted !== undefined && Number(noted) !== desired;
  });
}

/** `sync`: what it does while paused, and when only the size has changed. */
function scale(cluster: Cluster, deployment: KubeObject, newest: KubeObject | undefined, old: KubeObject[]): void {
  const wanted = (deployment as Body<Workload>).spec.replicas;
  const active = [...(newest === undefined ? [] : [newest]), ...old].filter((set) => replicasOf(set) > 0);
  if (active.length <= 1) {
    const only = active[0] ?? newest ?? old.toSorted(byAge).at(-1);
    if (only !== undefined && replicasOf(only) !== wanted) resize(cluster, only, wanted, wanted);
    return;
  }
  if (newest !== undefined && isSaturated(newest, wanted)) {
    for (const set of old) if (replicasOf(set) > 0) resize(cluster, set, 0, wanted);
    return;
  }
  proportion(cluster, active, wanted);
}

function isSaturated(set: KubeObject, wanted: number): boolean {
  return (
    replicasOf(set) === wanted && Number(set.metadata.annotations?.[DESIRED]) === wanted && availableOf(set) === wanted
  );
}

/** Several active sets share the size, and a surge of a quarter. */
function proportion(cluster: Cluster, active: KubeObject[], wanted: number): void {
  const allowed = wanted > 0 ? wanted + Math.ceil(wanted / 4) : 0;
  const total = active.reduce((sum, set) => sum + replicasOf(set), 0);
  let left = allowed - total;
  for (const set of active.toSorted((a, b) => replicasOf(b) - replicasOf(a))) {
    const part = left === 0 ? 0 : Math.trunc((replicasOf(set) * (allowed - total)) / Math.max(1, total));
    left -= part;
    resize(cluster, set, Math.max(0, replicasOf(set) + part), wanted);
  }
}

function roll(cluster: Cluster, deployment: KubeObject, found: KubeObject | undefined, own: KubeObject[]): void {
  const { spec } = deployment as Body<Workload>;
  const surge = Math.ceil(spec.replicas / 4);
  const newest = found ?? makeSet(cluster, deployment, own);
  annotate(cluster, newest, spec.replicas, revisionOf(own, newest));
  const old = own.filter((set) => set.metadata.name !== newest.metadata.name);
  const total = replicasOf(newest) + old.reduce((sum, set) => sum + replicasOf(set), 0);
  if (replicasOf(newest) !== spec.replicas) {
    const room = Math.max(0, spec.replicas + surge - total);
    const next =
      replicasOf(newest) > spec.replicas ? spec.replicas : Math.min(spec.replicas, replicasOf(newest) + room);
    resize(cluster, newest, next, spec.replicas);
  }
  shrinkOld(cluster, newest, old, spec.replicas);
}

/** Never below three quarters of the size, rounded up. */
function shrinkOld(cluster: Cluster, newest: KubeObject, old: KubeObject[], wanted: number): void {
  const least = wanted - Math.floor(wanted / 4);
  const now = cluster.get(`ReplicaSet/${newest.metadata.name}`) ?? newest;
  const available = availableOf(now) + old.reduce((sum, set) => sum + availableOf(set), 0);
  const unready = replicasOf(now) - availableOf(now);
  const total = replicasOf(now) + old.reduce((sum, set) => sum + replicasOf(set), 0);
  let surplus = Math.min(available - least, total - least - unready);
  for (const set of old) {
    const cut = Math.min(replicasOf(set), Math.max(0, surplus));
    surplus -= cut;
    if (cut > 0) resize(cluster, set, replicasOf(set) - cut, wanted);
  }
}

function makeSet(cluster: Cluster, deployment: KubeObject, own: KubeObject[]): KubeObject {
  const { spec } = deployment as Body<Workload>;
  const { name, uid = '' } = deployment.metadata;
  const hash = templateDigest(spec.template).slice(0, 10);
  const labels = { ...spec.template.metadata?.labels, [HASH]: hash };
  return cluster.create(
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${name}-${hash}`,
        labels,
        annotations: { [DESIRED]: String(spec.replicas), [REVISION]: String(own.length + 1) },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true }],
      },
      spec: {
        replicas: own.some((set) => replicasOf(set) > 0) ? 0 : spec.replicas,
        selector: { matchLabels: { ...spec.selector.matchLabels, [HASH]: hash } },
        template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
      },
    },
    ME,
  );
}

function report(cluster: Cluster, key: string): void {
  const deployment = cluster.get(key);
  if (deployment === undefined) return;
  const { spec } = deployment as Body<Workload>;
  const own = cluster.ofKind('ReplicaSet').filter((set) => isControlledBy(set, deployment.metadata.uid));
  const digest = memoDigest(spec.template);
  const [newest] = own.filter((set) => memoDigest((set as Body<Workload>).spec.template) === digest).toSorted(byAge);
  const sum = (of: (set: KubeObject) => number): number => own.reduce((total, set) => total + of(set), 0);
  const actual = (set: KubeObject): number => (set as Body<Workload>).status?.replicas ?? 0;
  cluster.report(key, {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(actual),
    availableReplicas: sum(availableOf),
    updatedReplicas: newest === undefined ? 0 : actual(newest),
  });
}

export function syncReplicaSet(cluster: Cluster, key: string, newPod: (set: KubeObject) => void): void {
  const set = cluster.get(key);
  if (set === undefined) return;
  const { spec } = set as Body<Workload>;
  const { uid = '', name } = set.metadata;
  for (const pod of cluster.ofKind('Pod')) {
    const controller = pod.metadata.ownerReferences?.find((owner) => owner.controller === true);
    const isOurs = matches(spec.selector.matchLabels, pod.metadata.labels);
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true };
    if (isOurs && controller === undefined && !isEnded(pod)) {
      cluster.update(`Pod/${pod.metadata.name}`, ME, (each) => (each.metadata.ownerReferences = [owner]));
    } else if (!isOurs && controller?.uid === uid) {
      cluster.update(`Pod/${pod.metadata.name}`, ME, (each) => (each.metadata.ownerReferences = []));
    }
  }
  const pods = cluster.ofKind('Pod').filter((pod) => isControlledBy(pod, uid) && !isEnded(pod));
  for (let missing = spec.replicas - pods.length; missing > 0; missing--) newPod(set);
  const spare = pods
    .toSorted((a, b) => Number(isReady(a)) - Number(isReady(b)))
    .slice(0, Math.max(0, pods.length - spec.replicas));
  for (const pod of spare) {
    cluster.update(
      `Pod/${pod.metadata.name}`,
      ME,
      ({ metadata }) => (metadata.deletionTimestamp = String(cluster.clock.now)),
    );
  }
  const rest = pods.filter((pod) => !spare.includes(pod));
  cluster.report(key, {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: rest.length,
    availableReplicas: rest.filter(isReady).length,
  });
}

export function isReady(pod: KubeObject): boolean {
  return (
    (pod as Body<{ status?: { ready?: boolean } }>).status?.ready === true &&
    pod.metadata.deletionTimestamp === undefined
  );
}

/** Neither failed nor on its way out: another one is made in its place. */
function isEnded(pod: KubeObject): boolean {
  return (
    pod.metadata.deletionTimestamp !== undefined ||
    (pod as Body<{ status?: { phase?: string } }>).status?.phase === 'Failed'
  );
}
