/** What the agent is to do by itself while the canary has traffic, as its operation; and what a snapshot says that it did. Pure. */

import type { KubeObject, ObjectRef } from '../../protocol/kube-object.ts';
import type { GuardSpec } from '../../protocol/operation.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import type { MinReady } from '../file/resolved.ts';
import type { CanaryPlan } from './rollout-plan.ts';
import { weightObjects, type RouteNames } from './route.ts';
import { sharesOf } from './weights.ts';

/** The part of each object that holds weights; the agent takes no more than that from a guard. */
const WEIGHTS: Record<string, string> = { TrafficSplit: 'backends', HTTPRoute: 'rules' };

/** @param replicas how many canary pods there are to be: the floor never is above that. */
export function guardSpec(
  { names, canaryHash, guard }: Pick<CanaryPlan, 'names' | 'canaryHash' | 'guard'>,
  replicas: number,
): GuardSpec {
  return {
    kind: 'guard',
    holder: holderOf(names),
    writes: weightObjects(names, sharesOf(0)).map((object) => ({ object: refOf(object), body: weightsOf(object) })),
    rootService: names.root,
    stableService: names.stable,
    canaryService: names.canary,
    canaryHash,
    minReady: floorOf(guard.minReady, replicas),
    lostContact: guard.lostContact,
    rollout: names.rolloutId,
  };
}

export function disarmSpec({ names }: Pick<CanaryPlan, 'names'>): GuardSpec {
  const { root: rootService, stable: stableService, canary: canaryService, rolloutId: rollout } = names;
  const services = { rootService, stableService, canaryService };
  return {
    kind: 'guard',
    disarm: true,
    holder: holderOf(names),
    writes: [],
    ...services,
    canaryHash: '',
    minReady: 0,
    rollout,
  };
}

/** Ready canary endpoints below which the guard fires. */
export function floorOf(minReady: MinReady, replicas: number): number {
  const wanted = 'percent' in minReady ? Math.ceil((replicas * minReady.percent) / 100) : minReady.count;
  return Math.min(wanted, replicas);
}

/** Why the guard of this run's split has fired; undefined: it has not. */
export function firedGuard({ split }: Snapshot): string | undefined {
  return split?.guard?.state === 'fired'
    ? `the agent's guard sent all traffic to the stable: ${split.guard.reason}`
    : undefined;
}

/** What is worth telling of a guard that has not fired: it holds, it did while nobody was here, it cannot be read. */
export function guardNews({ split }: Snapshot): string | undefined {
  const { state, reason = '' } = split?.guard ?? {};
  switch (state) {
    case 'holding':
      return `the agent's guard holds: ${reason}`;
    case 'armed':
      return reason === '' ? undefined : `the agent's guard: ${reason}`;
    case 'unreadable':
      return `the agent's guard is lost, nothing guards the canary while the orchestrator is away: ${reason}`;
    case 'fired':
    case undefined:
      return undefined;
  }
}

function holderOf({ namespace, split, splitVersion }: RouteNames): ObjectRef {
  return { apiVersion: `split.smi-spec.io/${splitVersion}`, kind: 'TrafficSplit', namespace, name: split };
}

function refOf({ apiVersion, kind, metadata: { name, namespace } }: KubeObject): ObjectRef {
  return { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

function weightsOf(object: KubeObject): unknown {
  const field = WEIGHTS[object.kind] ?? '';
  return { spec: { [field]: (object['spec'] as Record<string, unknown>)[field] } };
}
