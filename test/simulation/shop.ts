/** A workload with its Service, running, and the plan of a canary for it: both vary with the seed. */

import { DEFAULT_GUARD } from '../../src/orchestrator/file/resolve-guard.ts';
import type { CanaryStep, ResolvedTarget } from '../../src/orchestrator/file/resolved.ts';
import type { Observed } from '../../src/orchestrator/plan/observed.ts';
import { planRollout } from '../../src/orchestrator/plan/rollout-plan.ts';
import { asDeployment, asReplicaSet, asService } from '../../src/orchestrator/plan/workload.ts';
import { planCanary, type DriverName } from '../../src/orchestrator/rollout/plan.ts';
import type { Plan } from '../../src/orchestrator/rollout/model.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Cluster } from './cluster.ts';

export const NAMESPACE = 'shop';
/** Workloads of the target; people and tools meddle with the first. */
const APPLICATIONS = ['web', 'api', 'jobs'];

/** @param addsLabel the new version has one more label. */
function template(name: string, version: number, addsLabel: boolean): object {
  const labels = { app: name, ...(addsLabel ? { track: 'two' } : {}) };
  return { metadata: { labels }, spec: { containers: [{ name, image: `${name}:${version}` }] } };
}

function deployment(name: string, pods: object, replicas: number): KubeObject {
  const spec = { replicas, selector: { matchLabels: { app: name } }, template: pods };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: NAMESPACE }, spec };
}

/** What differs from release to release. */
export interface Release {
  /** How many workloads, each with a root of its own. */
  workloads: number;
  replicas: number;
  /** The file's manifest asks for this size. */
  asked: number | undefined;
  steps: CanaryStep[];
  /** The version went out before: an old, empty set has its template. */
  isReturning: boolean;
  /** The new version adds a label to its pods. */
  addsLabel: boolean;
  driver: DriverName;
  hasRoutes: boolean;
  /** A Service of another rollout has the name of ours. */
  hasForeign: boolean;
  /** Its pods never become ready. */
  isBroken: boolean;
}

export function anyRelease(random: () => number): Release {
  const replicas = 1 + Math.floor(random() * 4);
  const weights = [5, 10, 25, 50, 100].filter(() => random() < 0.5);
  const steps = weights.flatMap((weight): CanaryStep[] => {
    const pause: CanaryStep = { kind: 'pause', durationMs: 1_000 + Math.floor(random() * 20_000) };
    const approval: CanaryStep = { kind: 'approval', requiresRoles: [] };
    return [{ kind: 'setWeight', weight }, ...(random() < 0.6 ? [pause] : []), ...(random() < 0.2 ? [approval] : [])];
  });
  const asked = random() < 0.3 ? undefined : random() < 0.5 ? replicas : 1 + Math.floor(random() * 4);
  return {
    workloads: random() < 0.85 ? 1 : 3,
    replicas,
    asked,
    steps,
    isReturning: random() < 0.3,
    addsLabel: random() < 0.3,
    driver: random() < 0.7 ? 'linkerd-smi' : 'pods',
    hasRoutes: random() < 0.8,
    isBroken: random() < 0.1,
    hasForeign: random() < 0.05,
  };
}

function applicationsOf({ workloads }: Release): string[] {
  return APPLICATIONS.slice(0, workloads);
}

const older = (name: string): object => template(name, 1, false);
const newer = (name: string, { addsLabel }: Release): object => template(name, 2, addsLabel);

/** The objects that are there before; the controllers bring the pods. */
export function openShop(cluster: Cluster, release: Release): void {
  for (const name of applicationsOf(release)) {
    const first = release.isReturning
      ? deployment(name, newer(name, release), 0)
      : deployment(name, older(name), release.replicas);
    cluster.create(first, 'kubectl');
    const spec = { selector: { app: name }, ports: [{ port: 80 }] };
    cluster.create({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: NAMESPACE }, spec }, 'kubectl');
  }
}

/** What another rollout has left, or has under way. */
export const FOREIGN = { name: 'web-canary', rollout: 'dep-other.prod' };

export function addForeign(cluster: Cluster): void {
  const labels = { 'sluice.dev/rollout': FOREIGN.rollout, 'sluice.dev/role': 'canary' };
  const spec = { selector: { app: 'web', 'pod-template-hash': 'other' }, ports: [{ port: 80 }] };
  cluster.create({ apiVersion: 'v1', kind: 'Service', metadata: { name: FOREIGN.name, labels }, spec }, 'sluice');
}

/** A version that went out before has given way to the old one again. */
export function settleShop(cluster: Cluster, release: Release): void {
  if (!release.isReturning) return;
  for (const name of applicationsOf(release)) {
    const { spec } = deployment(name, older(name), release.replicas) as KubeObject & { spec: object };
    cluster.update(`Deployment/${name}`, 'kubectl', (object) => (object['spec'] = spec));
  }
}

export function planShop(cluster: Cluster, release: Release, rolloutId: string): Plan {
  return planCanary(
    applicationsOf(release).map((name) => found(cluster, release, name, rolloutId)),
    release.driver,
  );
}

function found(
  cluster: Cluster,
  release: Release,
  name: string,
  rolloutId: string,
): Parameters<typeof planCanary>[0][number] {
  const live = cluster.get(`Deployment/${name}`);
  if (live === undefined) throw new Error('The shop has no Deployment.');
  const file = deployment(name, newer(name, release), release.asked ?? 0);
  if (release.asked === undefined) delete (file['spec'] as { replicas?: number }).replicas;
  const target: ResolvedTarget = {
    name: 'prod',
    account: 'east',
    namespace: NAMESPACE,
    dependsOn: [],
    objects: [{ object: file, source: `${name}.yaml#1` }],
    strategy: { name: 'canary', steps: release.steps },
    smi: [{ rootServiceName: name, trafficSplitName: name }],
    readyTimeoutMs: 60_000,
    guard: DEFAULT_GUARD,
  };
  const canary = planRollout(target, survey(cluster, release, live, file), rolloutId);
  if (canary.kind !== 'canary') throw new Error(`The release is no canary but ${canary.kind}.`);
  return { canary, live: asDeployment(live) };
}

function survey(cluster: Cluster, release: Release, live: KubeObject, file: KubeObject): Observed {
  const after = structuredClone({ ...live, spec: { ...(live['spec'] as object), ...(file['spec'] as object) } });
  return {
    served: { splits: ['v1alpha2'], routes: release.hasRoutes, profiles: true },
    denied: [],
    deployment: withRevision(cluster, asDeployment(live)),
    replicaSets: cluster.ofKind('ReplicaSet').map(asReplicaSet),
    services: cluster.ofKind('Service').map(asService),
    splits: [],
    routes: [],
    profiles: [],
    autoscalers: [],
    quotas: [],
    stablePods: [],
    unread: [],
    dryRuns: [
      { apiVersion: 'apps/v1', kind: 'Deployment', name: live.metadata.name, source: 'x', after, before: live },
    ],
  };
}

/** The model's controller keeps the revision on the sets alone. */
function withRevision(cluster: Cluster, live: ReturnType<typeof asDeployment>): ReturnType<typeof asDeployment> {
  const isOwn = (set: KubeObject): boolean =>
    set.metadata.ownerReferences?.some(({ uid }) => uid === live.metadata.uid) === true;
  const serving = cluster.ofKind('ReplicaSet').find((set) => isOwn(set) && asReplicaSet(set).spec.replicas !== 0);
  const revision = serving?.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? '1';
  const annotations = { 'deployment.kubernetes.io/revision': revision };
  return { ...live, metadata: { ...live.metadata, annotations } };
}
