/** A guard's facts out of what is seen of its namespace. Pure. */

import type { GuardOrder } from '../health/reduce-guard.ts';
import type { NamespaceView } from '../health/namespace-view.ts';
import { SERVED_VERSIONS } from '../health/served-versions.ts';
import type { WatchedKind } from '../health/served-versions.ts';
import type { GuardFacts } from './judge.ts';

/** What a guard looks at. */
export const GUARDED_KINDS = ['pods', 'slices'] as const satisfies readonly WatchedKind[];

type View = Pick<NamespaceView, 'copies'>;

/** Why what is seen cannot be judged by; empty where it can. */
export function blindness({ copies }: View): string {
  const troubles = GUARDED_KINDS.flatMap((kind) => {
    const copy = copies[kind];
    if (copy?.state === 'live' && copy.listed) return [];
    const { plural } = SERVED_VERSIONS[kind];
    return [copy?.reason ? `the watch of ${plural} is ${copy.state} (${copy.reason})` : `${plural} are not listed yet`];
  });
  return troubles.join('; ');
}

/** @param restarts of canary pods when the guard was armed, by uid. */
export function factsOf(
  order: GuardOrder,
  restarts: Record<string, number>,
  view: View,
  rest: Pick<GuardFacts, 'canaryWeight' | 'silentMs'>,
): GuardFacts {
  const records = [...(view.copies.pods?.entries.values() ?? [])].map(({ record }) => record);
  const pods = records.filter((pod) => pod.hash === order.canaryHash);
  const canaryUids = new Set(pods.map(({ uid }) => uid));
  const ready = readyOf(view, order.stableService);
  return {
    ...rest,
    blind: blindness(view),
    pods: pods.map((pod) => ({ ...pod, restartsBefore: restarts[pod.uid] ?? 0 })),
    // Without a mesh the canary has no Service of its own, and the stable's may pick canary pods too.
    canaryReady:
      order.canaryService === ''
        ? pods.filter((pod) => pod.ready && !pod.deleting).length
        : readyOf(view, order.canaryService).size,
    stableReady: [...ready].filter((uid) => !canaryUids.has(uid)).length,
  };
}

/** Restarts that the canary's pods have had already; what has had none is left out. */
export function restartsOf(hash: string, view: View): Record<string, number> {
  const records = [...(view.copies.pods?.entries.values() ?? [])].map(({ record }) => record);
  const had = records.filter((pod) => pod.hash === hash && pod.restarts > 0);
  return Object.fromEntries(had.map(({ uid, restarts }) => [uid, restarts]));
}

function readyOf({ copies }: View, service: string): Set<string> {
  const slices = [...(copies.slices?.entries.values() ?? [])];
  return new Set(slices.filter((slice) => slice.service === service).flatMap((slice) => slice.ready));
}
