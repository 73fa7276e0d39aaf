/** The plan of one target's run: computed once from the file and what was read, then carried out as it stands. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { CanaryStep, GuardSettings, ResolvedTarget } from '../file/resolved.ts';
import { inApplyOrder } from './apply-order.ts';
import { canarySetName, canarySize, isSameTemplate, revisionHash } from './canary-set.ts';
import { GUARD, TEMPLATE_HASH } from './marks.ts';
import { contentOf, isSameJson, mergePatch } from './merge-patch.ts';
import {
  DEPLOYMENT,
  SERVICE,
  autoscalerOf,
  dryRunOf,
  serviceNamed,
  stableSet,
  type DryRun,
  type Observed,
} from './observed.ts';
import { foreignRoute, profileName } from './preflight-routing.ts';
import { followRoot, retainedOf, supersededBackend } from './retain.ts';
import { companionsOf, type RouteNames } from './route.ts';
import { asDeployment, asService, isDeployment, type Deployment, type Service } from './workload.ts';

/** How a rollback undoes one object that the run applied beside the workload. */
export type Undo = { kind: 'delete'; object: KubeObject } | { kind: 'patch'; object: KubeObject; patch: unknown };

/** What every plan applies: the objects that differ from the cluster's, in order, and how to undo them. */
export interface Changes {
  objects: KubeObject[];
  undo: Undo[];
}

export interface CanaryPlan {
  kind: 'canary';
  /** Objects beside the Deployment: before the canary, which may need them. */
  others: Changes;
  /** The file's Deployment, as it is applied at promotion. */
  asked: Deployment;
  /** What the Deployment would become: defaults and other managers' fields included. */
  becomes: Deployment;
  steps: CanaryStep[];
  names: RouteNames;
  root: Service;
  /** Selector of the root as its owner wrote it; and of the user's own canary Service, if one is used. */
  rootSelector: Record<string, string>;
  canarySelector?: Record<string, string>;
  stableHash: string;
  canaryHash: string;
  canarySetName: string;
  /** Sizes at the start. */
  liveReplicas: number;
  canaryReplicas: number;
  scaledByHpa: boolean;
  /** The ServiceProfile was there before the run: then it is not the run's to remove. */
  hadProfile: boolean;
  /** Split and backends stay for the next run. */
  retain: boolean;
  /** Split or backends of an earlier run are there, and are this run's now. */
  isRetained: boolean;
  /** A canary backend of an earlier run that this one does not use. */
  superseded?: string;
  readyTimeoutMs: number;
  guard: GuardSettings;
  /** An earlier run left a guard on the split that this one takes over. */
  hasOldGuard: boolean;
}

export type RolloutPlan =
  | { kind: 'first'; changes: Changes; deployment: Deployment; readyTimeoutMs: number }
  /** `unchanged`: the pods stay as they are. `rolling`: they change, and there is no traffic to shift or nothing to shift it by. */
  | { kind: 'unchanged' | 'rolling'; changes: Changes; deployment?: Deployment; readyTimeoutMs: number }
  | CanaryPlan;

/**
 * The Deployment as it is applied. Its size is never left out once it exists: a field that server-side apply no longer
 * finds goes back to its default, and the default is one pod.
 */
export function askedDeployment(manifest: Deployment, live: Deployment | undefined, scaledByHpa: boolean): Deployment {
  if (live === undefined) return manifest;
  const replicas = scaledByHpa ? live.spec.replicas : (manifest.spec.replicas ?? live.spec.replicas);
  return { ...manifest, spec: { ...manifest.spec, replicas: replicas ?? 1 } };
}

/** @param observed free of problems: `preflight` has said so. */
export function planRollout(target: ResolvedTarget, observed: Observed, rolloutId: string): RolloutPlan {
  const wanted = target.objects.map(({ object }) => object).find(isDeployment);
  const run = wanted && dryRunOf(observed.dryRuns, DEPLOYMENT, wanted.metadata.name);
  const { readyTimeoutMs } = target;
  if (wanted === undefined || run?.after === undefined) {
    return { kind: 'unchanged', changes: changesOf(target, observed.dryRuns), readyTimeoutMs };
  }
  const live = observed.deployment;
  const becomes = asDeployment(run.after);
  if (live === undefined) {
    const changes = withRetained(target, observed, rolloutId, changesOf(target, observed.dryRuns));
    return { kind: 'first', changes, deployment: becomes, readyTimeoutMs };
  }
  const asked = askedDeployment(asDeployment(wanted), live, isScaled(observed, wanted.metadata.name));
  const changes = withRetained(target, observed, rolloutId, changesOf(target, observed.dryRuns, asked));
  if (isSameTemplate(becomes.spec.template, live.spec.template)) {
    return { kind: 'unchanged', changes, deployment: becomes, readyTimeoutMs };
  }
  // No pods means no traffic; a strategy without steps and without a root shifts none. Kubernetes' own rollout does.
  if (live.spec.replicas === 0 || target.smi.length === 0) {
    return { kind: 'rolling', changes, deployment: becomes, readyTimeoutMs };
  }
  return planCanary(target, observed, rolloutId, { asked, becomes, live });
}

/** Without a canary nobody else tells the backends of an earlier run what became of their root. */
function withRetained(target: ResolvedTarget, observed: Observed, rolloutId: string, changes: Changes): Changes {
  const root = target.smi[0]?.rootServiceName;
  if (root === undefined || retainedOf(root, observed) === undefined) return changes;
  const more = followRoot(routeNames(target, observed, rolloutId), rootAfterApply(root, observed), observed);
  return { objects: [...changes.objects, ...more.objects], undo: [...more.undo, ...changes.undo] };
}

function isScaled(observed: Observed, deployment: string): boolean {
  return autoscalerOf(observed.autoscalers, deployment) !== undefined;
}

function planCanary(
  target: ResolvedTarget,
  observed: Observed,
  rolloutId: string,
  { asked, becomes, live }: { asked: Deployment; becomes: Deployment; live: Deployment },
): CanaryPlan {
  const names = routeNames(target, observed, rolloutId);
  const root = rootAfterApply(names.root, observed);
  const canaryHash = revisionHash(becomes.spec.template, rolloutId);
  const scaledByHpa = isScaled(observed, live.metadata.name);
  const liveReplicas = live.spec.replicas ?? 1;
  const manifest = target.objects.map(({ object }) => object).find(isDeployment);
  const replicas = manifest === undefined ? undefined : asDeployment(manifest).spec.replicas;
  const retained = retainedOf(names.root, observed);
  const superseded = supersededBackend(names, retained);
  const given = names.ownsCanary ? undefined : serviceNamed(observed, names.canary)?.spec.selector;
  return {
    kind: 'canary',
    others: changesOf({ objects: target.objects.filter(({ object }) => !isDeployment(object)) }, observed.dryRuns),
    asked,
    becomes,
    steps: target.strategy?.steps ?? [],
    names,
    root,
    rootSelector: root.spec.selector ?? {},
    ...(given === undefined ? {} : { canarySelector: given }),
    stableHash: stableSet(live, observed.replicaSets)?.metadata.labels?.[TEMPLATE_HASH] ?? '',
    canaryHash,
    canarySetName: canarySetName(live.metadata.name, canaryHash),
    liveReplicas,
    canaryReplicas: canarySize({ live: liveReplicas, atStart: liveReplicas, asked: replicas, scaledByHpa }),
    scaledByHpa,
    hadProfile:
      retained?.madeProfile !== true && observed.profiles.some(({ metadata }) => metadata.name === names.profile),
    retain: target.smi[0]?.retain === true,
    isRetained: retained !== undefined,
    ...(superseded === undefined ? {} : { superseded }),
    readyTimeoutMs: target.readyTimeoutMs,
    guard: target.guard,
    hasOldGuard: retained?.split?.metadata.annotations?.[GUARD] !== undefined,
  };
}

/** The root as it is once the file's own version of it has been applied. */
function rootAfterApply(name: string, observed: Observed): Service {
  const run = dryRunOf(observed.dryRuns, SERVICE, name);
  const root = run?.after ?? serviceNamed(observed, name);
  if (root === undefined) throw new Error(`planned without root Service ${name}: pre-flight must refuse that`);
  return asService(root);
}

function routeNames(target: ResolvedTarget, observed: Observed, rolloutId: string): RouteNames {
  const smi = target.smi[0];
  if (smi === undefined) throw new Error('planned a canary without trafficManagement.smi: the file must refuse that');
  const root = smi.rootServiceName;
  const { served } = observed;
  const ports = rootAfterApply(root, observed).spec.ports ?? [];
  const hasCompanions = served.routes && foreignRoute(root, observed.routes) === undefined;
  return {
    rolloutId,
    namespace: target.namespace,
    root,
    stable: `${root}-stable`,
    canary: smi.canaryServiceName ?? `${root}-canary`,
    ownsCanary: smi.canaryServiceName === undefined,
    // A second split on the root would be its twin: one of an earlier run keeps its name.
    split: retainedOf(root, observed)?.split?.metadata.name ?? smi.trafficSplitName,
    splitVersion: served.splits.includes('v1alpha2') ? 'v1alpha2' : 'v1alpha1',
    companions: hasCompanions ? companionsOf(root, ports) : [],
    ...(served.profiles ? { profile: profileName(root, target.namespace) } : {}),
  };
}

/** Objects that would be created or changed; the order undone is the reverse. `asked` takes the file's Deployment's place. */
function changesOf(target: Pick<ResolvedTarget, 'objects'>, dryRuns: DryRun[], asked?: Deployment): Changes {
  const changed = target.objects.flatMap(({ object }) => {
    const run = dryRunOf(dryRuns, object, object.metadata.name);
    if (run?.after === undefined) return [];
    if (run.before !== undefined && isSameJson(contentOf(run.before), contentOf(run.after))) return [];
    return [{ object: asked !== undefined && isDeployment(object) ? asked : object, run }];
  });
  const inOrder = inApplyOrder(changed.map(({ object }) => object));
  const undo = inOrder.toReversed().map((object): Undo => {
    const run = changed.find((entry) => entry.object === object)?.run;
    if (run?.before === undefined || run.after === undefined) return { kind: 'delete', object };
    return { kind: 'patch', object, patch: mergePatch(contentOf(run.after), contentOf(run.before)) ?? {} };
  });
  return { objects: inOrder, undo };
}
