/** Dependency order of a manifest's objects: what others need comes first, the workload last. */

import type { KubeObject } from '../../protocol/kube-object.ts';

/** Kinds in the order they are applied; what is not listed comes after `Service` and before the workloads. */
const ORDER = [
  'Namespace',
  'CustomResourceDefinition',
  'PriorityClass',
  'StorageClass',
  'ResourceQuota',
  'LimitRange',
  'ServiceAccount',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'Secret',
  'ConfigMap',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'NetworkPolicy',
  'Service',
];
const LAST = [
  'DaemonSet',
  'StatefulSet',
  'Deployment',
  'PodDisruptionBudget',
  'HorizontalPodAutoscaler',
  'Job',
  'CronJob',
];

function rank(kind: string): number {
  const first = ORDER.indexOf(kind);
  if (first >= 0) return first;
  const last = LAST.indexOf(kind);
  return last >= 0 ? ORDER.length + 1 + last : ORDER.length;
}

/** Stable: objects of one kind keep the file's order. */
export function inApplyOrder(objects: KubeObject[]): KubeObject[] {
  return objects.toSorted((left, right) => rank(left.kind) - rank(right.kind));
}
