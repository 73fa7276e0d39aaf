/** Whether a change is one that must not wait: something that was well is not any more. Pure. */

import type { JobRecord } from '../../protocol/snapshot.ts';
import type { PodEntry } from './reduce-pod.ts';
import type { SliceEntry } from './reduce-traffic.ts';
import type { WatchedKind } from './served-versions.ts';

export function isTurnForWorse(kind: WatchedKind, previous: unknown, next: unknown): boolean {
  switch (kind) {
    case 'pods':
      return isPodWorse(previous as PodEntry | undefined, next as PodEntry | undefined);
    case 'slices':
      return readyOf(next) < readyOf(previous);
    case 'jobs':
      return (next as JobRecord | undefined)?.state === 'failed';
    case 'services':
    case 'splits':
    case 'routes':
    case 'profiles':
      // Weights and Services change when Sluice writes them, and it waits for just that (a ServiceProfile that waited its turn cost 50 ms a step); or when somebody else does.
      return true;
    case 'deployments':
    case 'replicaSets':
      return false;
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

function readyOf(entry: unknown): number {
  return (entry as SliceEntry | undefined)?.ready.length ?? 0;
}
