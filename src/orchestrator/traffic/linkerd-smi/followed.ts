/** What Linkerd says of the shares: the ServiceProfile that linkerd-smi writes, the companions' accepted status. Pure. */

import type { Json } from '../../../protocol/records.ts';
import { isSameJson } from '../../plan/merge-patch.ts';
import { sharesOf } from '../../plan/weights.ts';
import type { Traffic, World } from '../../rollout/model.ts';
import type { Followed } from '../driver.ts';
import type { SmiBinding, SmiFollowers } from './binding.ts';

export function followedOf(
  { names }: SmiBinding,
  traffic: Traffic,
  followers: SmiFollowers | undefined,
  world: World,
  isLate: boolean,
): Followed {
  if (traffic.kind === 'none') return { kind: 'followed' };
  const said: SmiFollowers = {
    profile: isProfileAt(names, traffic, world),
    routes: areRoutesAt(names, traffic, world),
  };
  // On the way back nobody has to follow of whom nobody has learned that they do.
  const everybody = {
    profile: traffic.creates && names.profile !== undefined,
    routes: traffic.creates && names.companions.length > 0,
  };
  const wanted = followers ?? everybody;
  const isDone = (said.profile || !wanted.profile) && (said.routes || !wanted.routes);
  if (isDone) return { kind: 'followed', learned: { ...wanted } };
  if (!isLate)
    return { kind: 'waiting', reason: `the mesh has not taken the weights of TrafficSplit ${names.split} yet` };
  // Only the first time decides who is relied on: later, silence of one that followed is a fault.
  if (followers === undefined && (said.profile || said.routes)) return { kind: 'followed', learned: { ...said } };
  return { kind: 'refused', reason: `nothing in the cluster follows TrafficSplit ${names.split}` };
}

type Some = Extract<Traffic, { kind: 'some' }>;

/** Where nothing is made, what is not there follows as well: it sends nobody anywhere. */
function isProfileAt(
  { profile, stable, canary }: SmiBinding['names'],
  { canary: percent, creates }: Some,
  world: World,
): boolean {
  if (profile === undefined) return false;
  const record = world.see('ServiceProfile', profile);
  if (record === 'unknown') return false;
  const weights = record === 'absent' ? {} : (record.fields['weights'] ?? {});
  return isSameJson(weights, weightsAt(stable, canary, percent)) || (!creates && isSameJson(weights, {}));
}

function areRoutesAt(
  { companions, stable, canary }: SmiBinding['names'],
  { canary: percent, creates }: Some,
  world: World,
): boolean {
  return (
    companions.length > 0 &&
    companions.every(({ name }) => {
      const record = world.see('HTTPRoute', name);
      if (typeof record === 'string') return record === 'absent' && !creates;
      const { accepted, resolved, observedGeneration } = record.facts;
      // Linkerd leaves the generation out of its conditions (linkerd2#14964): 0 is then all there is.
      const isCurrent = observedGeneration === 0 || observedGeneration >= record.generation;
      const wanted = weightsAt(`0/${stable}`, `0/${canary}`, percent);
      return accepted && resolved && isCurrent && isSameJson(record.fields['weights'], wanted);
    })
  );
}

function weightsAt(stable: string, canary: string, percent: number): Json {
  const shares = sharesOf(percent);
  return { [stable]: shares.stable, [canary]: shares.canary };
}

/** The adaptor empties its ServiceProfile and leaves the object. */
export function hasLetGo({ names, hadProfile }: SmiBinding, world: World): boolean {
  if (names.profile === undefined || hadProfile) return true;
  const record = world.see('ServiceProfile', names.profile);
  if (record === 'unknown') return false;
  return record === 'absent' || isSameJson(record.fields['weights'] ?? {}, {});
}
