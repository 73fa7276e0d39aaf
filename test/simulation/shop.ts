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
const labels = { app: 'web' };

interface Version {
  image: string;
  labels: Record<string, string>;
}

function template({ image, labels: own }: Version): object {
  return { metadata: { labels: own }, spec: { containers: [{ name: 'web', image }] } };
}

function deployment(version: Version, replicas: number): KubeObject {
  const spec = { replicas, selector: { matchLabels: labels }, template: template(version) };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: NAMESPACE }, spec };
}

/** What differs from release to release. */
export interface Release {
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

const OLD: Version = { image: 'web:1', labels };
const newVersion = ({ addsLabel }: Release): Version => ({
  image: 'web:2',
  labels: addsLabel ? { ...labels, track: 'two' } : labels,
});

/** The objects that are there before; the controllers bring the pods. */
export function openShop(cluster: Cluster, release: Release): void {
  if (release.isReturning) cluster.create(deployment(newVersion(release), 0), 'kubectl');
  else cluster.create(deployment(OLD, release.replicas), 'kubectl');
  cluster.create(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: { selector: labels, ports: [{ port: 80 }] },
    },
    'kubectl',
  );
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
  cluster.update('Deployment/web', 'kubectl', (object) => (object['spec'] = deployment(OLD, release.replicas)['spec']));
}

export function planShop(cluster: Cluster, release: Release, rolloutId: string): Plan {
  const live = cluster.get('Deployment/web');
  if (live === undefined) throw new Error('The shop has no Deployment.');
  const file = deployment(newVersion(release), release.asked ?? 0);
  if (release.asked === undefined) delete (file['spec'] as { replicas?: number }).replicas;
  const target: ResolvedTarget = {
    name: 'prod',
    account: 'east',
    namespace: NAMESPACE,
    dependsOn: [],
    objects: [{ object: file, source: 'web.yaml#1' }],
    strategy: { name: 'canary', steps: release.steps },
    smi: [{ rootServiceName: 'web', trafficSplitName: 'web' }],
    readyTimeoutMs: 60_000,
    guard: DEFAULT_GUARD,
  };
  const found = planRollout(target, survey(cluster, release, live, file), rolloutId);
  if (found.kind !== 'canary') throw new Error(`The release is no canary but ${found.kind}.`);
  return planCanary(found, asDeployment(live), release.driver);
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
    dryRuns: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', source: 'web.yaml#1', after, before: live }],
  };
}

/** The model's controller keeps the revision on the sets alone. */
function withRevision(cluster: Cluster, live: ReturnType<typeof asDeployment>): ReturnType<typeof asDeployment> {
  const serving = cluster.ofKind('ReplicaSet').find((set) => asReplicaSet(set).spec.replicas !== 0);
  const revision = serving?.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? '1';
  const annotations = { 'deployment.kubernetes.io/revision': revision };
  return { ...live, metadata: { ...live.metadata, annotations } };
}
