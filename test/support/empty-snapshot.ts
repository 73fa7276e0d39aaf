/** A snapshot in which nothing is there: tests add what they look at. */

import type { Snapshot } from '../../src/protocol/snapshot.ts';

export function emptySnapshot(watchId: string, version = 1): Snapshot {
  return {
    watchId,
    version,
    atMs: 0,
    complete: true,
    stale: false,
    staleReason: '',
    replicaSets: [],
    pods: [],
    endpoints: [],
    routes: [],
    profiles: [],
    jobs: [],
  };
}
