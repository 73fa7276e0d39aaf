/** The traffic that a stage really gets: shares go only to a version with ready endpoints, and an outage is worse than the wrong version. Pure. */

import { driverOf } from '../traffic/registry.ts';
import type { Binding, Learned, Traffic, Want, World } from './model.ts';
import { podsOf } from './world.ts';

export interface Served {
  traffic: Traffic;
  /** Why no share is written now. */
  withheld?: string;
  /** Why the shares are not those of the stage. */
  instead?: string;
}

/** A side without ready endpoints gets nothing and the other all; with neither ready, or unseen, no share is written. */
export function served(binding: Binding, wanted: Traffic, world: World): Served {
  const traffic = withWhoeverServes(binding, wanted, world);
  if (traffic.kind === 'none') return { traffic };
  const { stable, canary } = driverOf(binding).ready(binding, traffic, world);
  const withheld = (reason: string): Served => ({ traffic, withheld: reason });
  if (stable === undefined || canary === undefined) return withheld('endpoints are not seen live');
  if (stable === 0 && canary === 0) return withheld('neither version has a ready endpoint');
  if (traffic.canary > 0 && canary === 0) {
    return {
      traffic: { ...traffic, canary: 0 },
      instead: 'the canary has no ready endpoint: everything goes to the stable',
    };
  }
  if (traffic.canary < 100 && stable === 0) {
    return {
      traffic: { ...traffic, canary: 100 },
      instead: 'the stable has no ready endpoint: everything goes to the canary',
    };
  }
  return { traffic };
}

/** On the way back: where the old version has no pod any more and somebody rolled out another one, that one serves. */
function withWhoeverServes({ workload }: Binding, traffic: Traffic, world: World): Traffic {
  if (traffic.kind === 'none' || traffic.creates || traffic.stable !== 'old') return traffic;
  const old = podsOf(world, workload.stableHash);
  if (old === undefined || !world.isLive('ReplicaSet') || old.some(({ facts }) => facts.ready)) return traffic;
  const others = world
    .all('ReplicaSet')
    .filter(({ name, facts }) => name !== workload.setName && facts.ownerUid === workload.uid && facts.available > 0);
  return others.length === 0 ? traffic : { ...traffic, stable: 'any', root: 'open' };
}

export function trafficWants(
  binding: Binding,
  { traffic, withheld }: Served,
  { followers }: Learned,
  world: World,
): Want[] {
  const wants = driverOf(binding).desired(binding, traffic, followers[binding.workload.name]);
  if (withheld === undefined) return wants;
  if (isAbandoned(binding, traffic, world)) return wants.filter(({ carriesTraffic }) => carriesTraffic !== true);
  return wants.map((want) => (want.carriesTraffic === true ? { ...want, withheld } : want));
}

/** With the workload itself gone, and nobody ready, there is no traffic to protect. */
export function isAbandoned(binding: Binding, traffic: Traffic, world: World): boolean {
  const { stable, canary } = driverOf(binding).ready(binding, traffic, world);
  return world.see('Deployment', binding.workload.name) === 'absent' && stable === 0 && canary === 0;
}
