/** Deployments, ReplicaSets and Jobs cut down to what a rollout needs to know. Pure. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { DeploymentRecord, JobRecord, ReplicaSetRecord } from '../../protocol/snapshot.ts';
import { setReasonOf } from './reasons.ts';

export interface ReplicaSetEntry {
  record: ReplicaSetRecord;
  /** The Deployment it belongs to: by its controlling owner, or while it has none by the label. Empty: to none. */
  deployment: string;
}

/** On a canary's ReplicaSet, which no Deployment owns yet. */
const DEPLOYMENT_LABEL = 'sluice.dev/deployment';

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

interface WorkloadBody {
  spec?: { replicas?: number; paused?: boolean; template?: { metadata?: { labels?: Record<string, string> } } };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    conditions?: Condition[];
  };
}

export function reduceDeployment(object: KubeObject): DeploymentRecord {
  const { spec, status } = object as WorkloadBody;
  const { metadata } = object;
  return {
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    generation: metadata.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? 0,
    paused: spec?.paused ?? false,
    desired: spec?.replicas ?? 1,
    replicas: status?.replicas ?? 0,
    // A status that is older than the spec is not believed: what was updated was so to another template, and the problems were others.
    updated: isCurrent(object) ? (status?.updatedReplicas ?? 0) : 0,
    ready: status?.readyReplicas ?? 0,
    available: status?.availableReplicas ?? 0,
    problems: (isCurrent(object) ? (status?.conditions ?? []) : [])
      .filter(isProblem)
      .map(({ type, reason = '', message = '' }) => ({ type, reason, message })),
  };
}

/** Its controller has seen the spec as it is. */
function isCurrent({ metadata, status }: WorkloadBody & KubeObject): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
}

function isProblem(condition: Condition): boolean {
  return condition.type === 'ReplicaFailure' ? condition.status === 'True' : condition.status === 'False';
}

export function reduceReplicaSet(object: KubeObject): ReplicaSetEntry {
  const { spec, status } = object as WorkloadBody;
  const { metadata } = object;
  const owner = metadata.ownerReferences?.find((each) => each.controller === true);
  // Of a status older than the spec it tells what kept other pods from being made.
  const failure = isCurrent(object)
    ? status?.conditions?.find((each) => each.type === 'ReplicaFailure' && each.status === 'True')
    : undefined;
  return {
    record: {
      name: metadata.name,
      uid: metadata.uid ?? '',
      hash: spec?.template?.metadata?.labels?.['pod-template-hash'] ?? '',
      ownerUid: owner?.uid ?? '',
      revision: metadata.annotations?.['deployment.kubernetes.io/revision'] ?? '',
      desired: spec?.replicas ?? 1,
      replicas: status?.replicas ?? 0,
      ready: status?.readyReplicas ?? 0,
      available: status?.availableReplicas ?? 0,
      createdAt: metadata.creationTimestamp ?? '',
      failure: failure ? failureOf(failure) : '',
    },
    deployment: owner?.kind === 'Deployment' ? owner.name : (metadata.labels?.[DEPLOYMENT_LABEL] ?? ''),
  };
}

function failureOf({ reason = '', message = '' }: Condition): string {
  return `${setReasonOf(reason, message)}: ${message}`;
}

interface JobBody {
  status?: { active?: number; succeeded?: number; failed?: number; conditions?: Condition[] };
}

export function reduceJob(object: KubeObject): JobRecord {
  const { status } = object as JobBody;
  const end = status?.conditions?.find(
    (each) => each.status === 'True' && (each.type === 'Complete' || each.type === 'Failed'),
  );
  return {
    name: object.metadata.name,
    uid: object.metadata.uid ?? '',
    active: status?.active ?? 0,
    succeeded: status?.succeeded ?? 0,
    failed: status?.failed ?? 0,
    state: end === undefined ? 'running' : end.type === 'Complete' ? 'complete' : 'failed',
    reason: end?.reason ?? '',
    message: end?.message ?? '',
  };
}
