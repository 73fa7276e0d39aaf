/**
 * Which changes must not wait their turn: a turn for the worse, and what a run stands and waits for. Pure.
 * A run waits for its own writes to come back, for the last missing pod, and for the last old pod to go: the ones between make no difference to it.
 */

import type { DeploymentRecord, JobRecord } from '../../protocol/snapshot.ts';
import type { PodEntry } from './reduce-pod.ts';
import type { SliceEntry } from './reduce-traffic.ts';
import type { ReplicaSetEntry } from './reduce-workload.ts';
import type { WatchedKind } from './served-versions.ts';

/** `pods`: urgent, for what pods and their controllers do. `traffic`: urgent, for what Sluice itself writes. They are bounded apart (throttle.ts). */
export type Urgency = 'none' | 'pods' | 'traffic';

/** @param siblings the pods of the same ReplicaSet after the change, of a change to a pod. */
export function urgencyOf(
  kind: WatchedKind,
  previous: unknown,
  next: unknown,
  siblings: () => readonly PodEntry[],
): Urgency {
  // Weights and Services change when Sluice writes them, and it waits for just that (a ServiceProfile that waited its turn cost 50 ms a step); or when somebody else does.
  if (kind === 'services' || kind === 'splits' || kind === 'routes' || kind === 'profiles') return 'traffic';
  return isUrgent(kind, previous, next, siblings) ? 'pods' : 'none';
}

function isUrgent(
  kind: 'pods' | 'slices' | 'jobs' | 'deployments' | 'replicaSets',
  previous: unknown,
  next: unknown,
  siblings: () => readonly PodEntry[],
): boolean {
  switch (kind) {
    case 'pods':
      return (
        isPodWorse(previous as PodEntry | undefined, next as PodEntry | undefined) ||
        isLastPod(previous as PodEntry | undefined, next as PodEntry | undefined, siblings)
      );
    case 'slices':
      return isSliceUrgent(previous as SliceEntry | undefined, next as SliceEntry | undefined);
    case 'jobs':
      return isOver(next as JobRecord | undefined) && !isOver(previous as JobRecord | undefined);
    case 'deployments':
      return isDeploymentUrgent(previous as DeploymentRecord | undefined, next as DeploymentRecord | undefined);
    case 'replicaSets':
      return isSetUrgent(previous as ReplicaSetEntry | undefined, next as ReplicaSetEntry | undefined);
  }
}

function isPodWorse(previous: PodEntry | undefined, next: PodEntry | undefined): boolean {
  if (!next) return previous?.record.deleting === false;
  const before = previous?.record;
  const now = next.record;
  return (
    (now.failing && before?.failing !== true) ||
    (before !== undefined && now.restarts > before.restarts) ||
    (before?.ready === true && !now.ready)
  );
}

/** With it all of its ReplicaSet are ready, or all are gone. */
function isLastPod(
  previous: PodEntry | undefined,
  next: PodEntry | undefined,
  siblings: () => readonly PodEntry[],
): boolean {
  if (!next) return siblings().length === 0;
  // One that is seen for the first time and is ready comes with a list.
  if (!next.record.ready || previous?.record.ready !== false) return false;
  return siblings().every(({ record }) => record.ready || record.deleting);
}

function isSliceUrgent(previous: SliceEntry | undefined, next: SliceEntry | undefined): boolean {
  const readyBefore = previous?.ready.length ?? 0;
  const ready = next?.ready.length ?? 0;
  if (ready < readyBefore) return true;
  // The last that was missing is there, or (a Service that was turned to another revision) they are others.
  return ready > 0 && next?.notReady.length === 0 && !hasSameReady(previous, next);
}

function hasSameReady(previous: SliceEntry | undefined, next: SliceEntry): boolean {
  return previous?.ready.length === next.ready.length && next.ready.every((uid) => previous.ready.includes(uid));
}

function isOver(job: JobRecord | undefined): boolean {
  return job !== undefined && job.state !== 'running';
}

function isDeploymentUrgent(previous: DeploymentRecord | undefined, next: DeploymentRecord | undefined): boolean {
  if (!previous || !next) return true;
  return (
    previous.desired !== next.desired ||
    previous.paused !== next.paused ||
    (isSettled(next) && !isSettled(previous)) ||
    next.problems.length > previous.problems.length
  );
}

function isSettled({
  generation,
  observedGeneration,
  desired,
  replicas,
  updated,
  available,
}: DeploymentRecord): boolean {
  return observedGeneration >= generation && replicas === desired && updated === desired && available >= desired;
}

function isSetUrgent(previous: ReplicaSetEntry | undefined, next: ReplicaSetEntry | undefined): boolean {
  if (!previous || !next) return true;
  const before = previous.record;
  const now = next.record;
  return (
    before.ownerUid !== now.ownerUid ||
    before.desired !== now.desired ||
    before.failure !== now.failure ||
    (now.available >= now.desired && before.available < before.desired) ||
    (now.replicas === 0 && before.replicas > 0)
  );
}
