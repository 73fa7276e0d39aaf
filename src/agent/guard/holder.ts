/** The objects that may hold a guard, cut down to the guard: found by its label, followed from the agent's start. */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { groupOf } from '../../protocol/kube-object.ts';
import type { KubeObject, ObjectRef } from '../../protocol/kube-object.ts';
import { GUARD_MARK, readGuard } from '../health/reduce-guard.ts';
import type { GuardRecord } from '../health/reduce-guard.ts';
import { weightOf } from '../kinds/quantity.ts';
import { SERVED_VERSIONS, pathFinder } from '../health/served-versions.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';
import { ListWatch } from '../kubernetes/list-watch.ts';
import type { Policy } from '../operations/policy.ts';
import { orderProblem } from './writes.ts';

export const HOLDER_KINDS = { splits: 'TrafficSplit', replicaSets: 'ReplicaSet' } as const;
export type HolderKind = keyof typeof HOLDER_KINDS;

export interface Holder {
  kind: HolderKind;
  namespace: string;
  name: string;
  uid: string;
  /** What it holds; a sentence where that cannot be used. */
  guard: GuardRecord | string;
  /** What it gives the canary: its weight in a split, its pods in a ReplicaSet; undefined where it says neither. */
  canaryWeight: number | undefined;
}

interface HolderBody {
  spec?: { replicas?: number; backends?: { service?: string; weight?: unknown }[] };
}

/** Pure. */
export function reduceHolder(kind: HolderKind, namespace: string, object: KubeObject, policy: Policy): Holder {
  const { name, uid = '' } = object.metadata;
  const found = readGuard(object) ?? 'It holds none.';
  const problem = typeof found === 'string' ? found : orderProblem(found.spec, namespace, policy);
  const guard = typeof found === 'string' || problem !== undefined ? (problem ?? '') : found;
  const canaryWeight = typeof guard === 'string' ? undefined : canaryWeightOf(kind, object, guard.spec.canaryService);
  return { kind, namespace, name, uid, guard, canaryWeight };
}

function canaryWeightOf(kind: HolderKind, object: KubeObject, canaryService: string): number | undefined {
  const { spec } = object as HolderBody;
  if (kind === 'replicaSets') return spec?.replicas;
  const backend = spec?.backends?.find(({ service }) => service === canaryService);
  return backend && weightOf(backend.weight);
}

export interface HolderWatchOptions {
  kind: HolderKind;
  namespace: string;
  api: KubeApi;
  clock: Clock;
  log: Log;
  random: () => number;
  policy: Policy;
  onChange: (name: string, holder: Holder | undefined) => void;
  onState: () => void;
}

/** Asks nothing while it is idle: a kind that the cluster does not serve is looked for again by `revisit` alone. */
export function watchHolders(options: HolderWatchOptions): ListWatch<Holder> {
  const { kind, namespace, api, clock, log, random, policy, onChange, onState } = options;
  return new ListWatch<Holder>({
    api,
    clock,
    log,
    random,
    what: `guarded ${SERVED_VERSIONS[kind].plural} in ${namespace}`,
    path: pathFinder(api, kind, namespace),
    labelSelector: GUARD_MARK,
    revisits: false,
    reduce: (object) => reduceHolder(kind, namespace, object, policy),
    onChange: (name, _previous, next) => onChange(name, next),
    onState,
  });
}

/** Which watch an object is found by; undefined: it is of a kind that holds no guard. */
export function holderKindOf({ apiVersion, kind }: ObjectRef): HolderKind | undefined {
  const group = groupOf(apiVersion);
  return (Object.keys(HOLDER_KINDS) as HolderKind[]).find(
    (each) => HOLDER_KINDS[each] === kind && SERVED_VERSIONS[each].group === group,
  );
}
