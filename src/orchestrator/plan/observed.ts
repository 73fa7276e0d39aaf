/** Everything a run reads before it changes anything: the input of the plan. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import { groupKind } from '../file/api-group.ts';
import type { AccessRule } from '../../protocol/operation.ts';
import type { Deployment, ReplicaSet, Service } from './workload.ts';

type Kind = Pick<KubeObject, 'apiVersion' | 'kind'>;

export const DEPLOYMENT: Kind = { apiVersion: 'apps/v1', kind: 'Deployment' };
export const SERVICE: Kind = { apiVersion: 'v1', kind: 'Service' };

export interface Served {
  /** Served versions of split.smi-spec.io that have a TrafficSplit. */
  splits: string[];
  /** gateway.networking.k8s.io/v1 HTTPRoute is served. */
  routes: boolean;
  /** linkerd.io ServiceProfile is served: linkerd-smi writes one for each split. */
  profiles: boolean;
}

export interface Observed {
  served: Served;
  denied: AccessRule[];
  /** As it is in the cluster; absent before the first deployment. */
  deployment?: Deployment;
  replicaSets: ReplicaSet[];
  services: Service[];
  splits: KubeObject[];
  routes: KubeObject[];
  profiles: KubeObject[];
  autoscalers: KubeObject[];
  quotas: KubeObject[];
  /** Of the Deployment's current revision, as they run. */
  stablePods: KubeObject[];
  /** What could not be read and is not needed to go on, with the agent's reason. */
  unread: { what: 'quotas' | 'pods'; message: string }[];
  /** One per object of the file, in its order. */
  dryRuns: DryRun[];
}

/** What the API server answered to an object of the file, without storing it. */
export interface DryRun {
  apiVersion: string;
  kind: string;
  name: string;
  source: string;
  /** As it would become; absent where it was refused. */
  after?: KubeObject;
  /** As it is; absent where it would be created. */
  before?: KubeObject;
  problem?: string;
}

/** The dry run of an object; two kinds of one name in different API groups are different things. */
export function dryRunOf(dryRuns: DryRun[], { apiVersion, kind }: Kind, name: string): DryRun | undefined {
  const wanted = groupKind({ apiVersion, kind });
  return dryRuns.find((run) => run.name === name && groupKind(run) === wanted);
}

export function serviceNamed(observed: Observed, name: string): Service | undefined {
  return observed.services.find((service) => service.metadata.name === name);
}

/** The autoscaler that scales a Deployment, from the cluster. */
export function autoscalerOf(autoscalers: KubeObject[], deployment: string): KubeObject | undefined {
  return autoscalers.find((autoscaler) => {
    const reference = (autoscaler['spec'] as { scaleTargetRef?: { kind?: string; name?: string } } | undefined)
      ?.scaleTargetRef;
    return reference?.kind === 'Deployment' && reference.name === deployment;
  });
}

/** The ReplicaSet of the Deployment's current revision: the one that is stable now. */
export function stableSet(deployment: Deployment, sets: ReplicaSet[]): ReplicaSet | undefined {
  const revision = 'deployment.kubernetes.io/revision';
  const wanted = deployment.metadata.annotations?.[revision];
  return sets.find(
    (set) =>
      set.metadata.ownerReferences?.some((owner) => owner.uid === deployment.metadata.uid) === true &&
      set.metadata.annotations?.[revision] === wanted,
  );
}
