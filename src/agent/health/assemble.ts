/** A watch's snapshot out of what is seen of its namespace. Pure. */

import type { EndpointsRecord, Snapshot, Watch } from '../../protocol/snapshot.ts';
import type { NamespaceView, Records } from './namespace-view.ts';
import { SERVED_VERSIONS } from './served-versions.ts';
import type { WatchedKind } from './served-versions.ts';

const ALWAYS: readonly WatchedKind[] = ['pods', 'replicaSets', 'deployments', 'services', 'slices'];

/** The kinds a watch needs; those of a mesh only if it names one, since the cluster may not have them, nor the agent the right. */
export function kindsFor(watch: Watch): WatchedKind[] {
  const kinds = [...ALWAYS];
  if (watch.split !== undefined) kinds.push('splits');
  if (watch.routes.length > 0) kinds.push('routes');
  if (watch.profiles.length > 0) kinds.push('profiles');
  if (watch.jobs.length > 0) kinds.push('jobs');
  return kinds;
}

type View = Pick<NamespaceView, 'copies' | 'pods' | 'namespace'>;

export function assemble(watch: Watch, view: View, version: number, atMs: number): Snapshot {
  const named = <K extends WatchedKind>(kind: K, names: readonly string[]): Records[K][] =>
    names.flatMap((name) => {
      const record = view.copies[kind]?.entries.get(name);
      return record === undefined ? [] : [record];
    });
  const [deployment] = named('deployments', [watch.deployment]);
  const [split] = named('splits', watch.split === undefined ? [] : [watch.split]);
  const replicaSets = [...(view.copies.replicaSets?.entries.values() ?? [])];
  return {
    watchId: watch.id,
    version,
    atMs,
    ...trustOf(watch, view),
    ...(deployment && { deployment }),
    replicaSets: replicaSets.filter((each) => each.deployment === watch.deployment).map((each) => each.record),
    pods: view.pods.podsOf(watch.deployment).map((each) => each.record),
    endpoints: watch.services.map((service) => endpointsOf(service, view)),
    ...(split && { split }),
    routes: named('routes', watch.routes),
    profiles: named('profiles', watch.profiles),
    jobs: named('jobs', watch.jobs),
  };
}

/** How far the picture can be believed: whether all of it was seen, and whether it is followed live. */
function trustOf(watch: Watch, view: View): Pick<Snapshot, 'complete' | 'stale' | 'staleReason'> {
  let complete = true;
  const troubles: string[] = [];
  for (const kind of kindsFor(watch)) {
    const copy = view.copies[kind];
    // A kind the cluster does not serve has no objects: that is complete.
    if (!copy || !(copy.listed || copy.state === 'absent')) complete = false;
    if (copy?.state === 'broken' || copy?.state === 'forbidden') {
      troubles.push(`${SERVED_VERSIONS[kind].plural} in ${view.namespace}: ${copy.reason}`);
    }
  }
  return { complete, stale: troubles.length > 0, staleReason: troubles.join('; ') };
}

/** A Service may have several slices (more than 100 endpoints, two address families); a pod is counted once. */
function endpointsOf(service: string, view: View): EndpointsRecord {
  const ready = new Set<string>();
  const notReady = new Set<string>();
  for (const slice of view.copies.slices?.entries.values() ?? []) {
    if (slice.service !== service) continue;
    for (const each of slice.ready) ready.add(each);
    for (const each of slice.notReady) notReady.add(each);
  }
  const exists = view.copies.services?.entries.has(service) ?? false;
  return { service, exists, ready: [...ready], notReady: [...notReady].filter((each) => !ready.has(each)) };
}
