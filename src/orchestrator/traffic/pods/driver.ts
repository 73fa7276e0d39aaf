/** The share of ready pods behind the root: no mesh, and no finer than whole pods. */

import type { Json } from '../../../protocol/records.ts';
import type { Binding, Entry, Exposure, Traffic, Want, World } from '../../rollout/model.ts';
import { podsOf } from '../../rollout/world.ts';
import type { Driver, Followed, Leg } from '../driver.ts';
import { exposureFields, exposureWants, type Exposed } from '../service-selector.ts';

export interface PodsBinding {
  rollout: string;
  service: string;
  serviceUid: string;
  /** As the root's owner wrote it. */
  selector: Record<string, string>;
  stableHash: string;
  canaryHash: string;
}

/** Part of a traffic whose pods come up, with the share from which it comes. */
const UP = 'up from ';
/** A pod takes about a minute, an image longer; the strategy's own limit counts for the first. */
const UP_MS = 600_000;

/** It was stored as JSON by this driver. */
function of(binding: Binding): PodsBinding {
  return binding.traffic as unknown as PodsBinding;
}

export const pods: Driver = {
  inventory,
  path,
  desired: (binding, traffic) => desired(of(binding), traffic),
  followed,
  letGo: () => true,
  ready: (binding, traffic, world) => ({
    stable: readyOf(world, stableHashOf(of(binding), traffic)),
    canary: readyOf(world, of(binding).canaryHash),
  }),
  canarySize,
  canaryService: () => undefined,
  stableService: () => undefined,
};

/**
 * The stable keeps its size, so that the way back is open at once: a share of w takes size·w/(100-w) canary pods, and 100 as many
 * as the stable has. Below any share one pod comes up, behind no Service.
 */
function canarySize(traffic: Traffic, size: number): number {
  if (traffic.kind === 'none' || traffic.canary >= 100) return size;
  return Math.max(1, Math.round((size * traffic.canary) / (100 - traffic.canary)));
}

function inventory(binding: Binding): Entry[] {
  const { service, serviceUid } = of(binding);
  const fields = exposureFields(exposedOf(of(binding)), 'open');
  return [{ kind: 'Service', name: service, role: 'edited', before: { uid: serviceUid, fields } }];
}

/** Up, wait, then in: pods of the new version come up behind the Service as it is. */
function path(_binding: Binding, from: Traffic, to: Traffic): Leg[] {
  if (to.kind === 'none') return from.kind === 'none' ? [] : [{ name: 'widen', traffic: to, gates: [] }];
  const on: Leg = { name: 'on', traffic: to, gates: [[{ gate: 'followed', withinMs: UP_MS }]] };
  if (from.kind === 'none') {
    return [{ name: 'narrow', traffic: to, gates: [[{ gate: 'rootShows', version: 'stable' }]] }];
  }
  if (to.canary <= from.canary) return [on];
  const up = { ...to, part: `${UP}${from.canary}` } satisfies Traffic;
  return [{ name: 'up', traffic: up, gates: [[{ gate: 'canaryReady', withinMs: UP_MS }]] }, on];
}

function desired(binding: PodsBinding, traffic: Traffic): Want[] {
  const wants = exposureWants(exposedOf(binding), exposureAt(traffic));
  return wants.map((want) => ({ ...want, carriesTraffic: true }));
}

/** Both versions are shown only between the ends; while pods come up, what was shown before. */
function exposureAt(traffic: Traffic): Exclude<Exposure, 'asIs'> {
  if (traffic.kind === 'none' || traffic.stable === 'any') return 'open';
  const shown = traffic.part.startsWith(UP) ? Number(traffic.part.slice(UP.length)) : traffic.canary;
  if (shown === 0) return traffic.stable === 'old' ? 'stable' : 'canary';
  return shown >= 100 ? 'canary' : 'open';
}

function exposedOf({ service, selector, rollout, stableHash, canaryHash }: PodsBinding): Exposed {
  return { service, selector, rollout, stableHash, canaryHash };
}

function stableHashOf({ stableHash, canaryHash }: PodsBinding, traffic: Traffic): string | undefined {
  if (traffic.kind === 'none') return stableHash;
  return { old: stableHash, new: canaryHash, any: undefined }[traffic.stable];
}

/** @param hash undefined: of any version. */
function readyOf(world: World, hash: string | undefined): number | undefined {
  if (!world.isLive('Pod')) return undefined;
  const found = hash === undefined ? world.all('Pod') : podsOf(world, hash);
  return found?.filter(({ deleting, facts }) => facts.ready && !deleting).length;
}

/** The Service's endpoints prove it: both versions behind it, or one. */
function followed(
  binding: Binding,
  traffic: Traffic,
  _learned: Json | undefined,
  world: World,
  isLate: boolean,
): Followed {
  if (traffic.kind === 'none') return { kind: 'followed' };
  const { service } = of(binding);
  const shown = shownBy(of(binding), world);
  const wants = { stable: ['stable'], canary: ['canary'], open: ['canary', 'stable'] }[exposureAt(traffic)];
  // On the way back a third version may serve in place of the old one.
  if (!traffic.creates || (shown !== undefined && shown.toSorted().join() === wants.join()))
    return { kind: 'followed' };
  const reason = `Service ${service} does not send to the pods of ${wants.join(' and ')} alone yet`;
  return isLate ? { kind: 'refused', reason } : { kind: 'waiting', reason };
}

function shownBy({ service, stableHash, canaryHash }: PodsBinding, world: World): string[] | undefined {
  if (!world.isLive('EndpointSlice') || !world.isLive('Pod')) return undefined;
  const hashes = new Map(world.all('Pod').map(({ uid, facts }) => [uid, facts.hash]));
  const ready = world
    .all('EndpointSlice')
    .filter(({ facts }) => facts.service === service)
    .flatMap(({ facts }) => facts.ready);
  const names = new Map([
    [stableHash, 'stable'],
    [canaryHash, 'canary'],
  ]);
  return [...new Set(ready.map((uid) => names.get(hashes.get(uid) ?? '') ?? 'other'))];
}
