/** SMI TrafficSplit on Linkerd, with a companion HTTPRoute for clients that are busy. */

import type { Binding, Entry, Gate, Traffic } from '../../rollout/model.ts';
import { readyEndpoints } from '../../rollout/world.ts';
import type { Driver, Leg } from '../driver.ts';
import { exposureFields } from '../service-selector.ts';
import { followersOf, smiOf } from './binding.ts';
import { desiredOf } from './desired.ts';
import { followedOf, hasLetGo } from './followed.ts';

/** linkerd-smi takes 13 ms; 22 s were seen when 60 splits changed at once. */
const FOLLOW_MS = 30_000;
/** A profile that still holds weights so long after its split went: linkerd-smi does not run, and it is removed without. */
const LET_GO_MS = 30_000;

export const linkerdSmi: Driver = {
  inventory,
  path,
  desired: (binding, traffic, learned) => desiredOf(smiOf(binding), traffic, followersOf(learned)),
  followed: (binding, traffic, learned, world, isLate) =>
    followedOf(smiOf(binding), traffic, followersOf(learned), world, isLate),
  letGo: (binding, world) => hasLetGo(smiOf(binding), world),
  ready: (binding, _traffic, world) => ({
    stable: readyEndpoints(world, smiOf(binding).names.stable)?.length,
    canary: readyEndpoints(world, smiOf(binding).names.canary)?.length,
  }),
  // Any share may come next, so it is as large as the stable.
  canarySize: (_traffic, size) => size,
  canaryService: (binding) => smiOf(binding).names.canary,
  stableService: (binding) => smiOf(binding).names.stable,
};

function inventory(binding: Binding): Entry[] {
  const { names, root, rootUid, canarySelector, hadProfile, stableHash, canaryHash } = smiOf(binding);
  const { rolloutId: rollout } = names;
  const exposed = { service: names.root, selector: root.spec.selector ?? {}, rollout, stableHash, canaryHash };
  const given = { ...exposed, service: names.canary, selector: canarySelector ?? {} };
  return [
    {
      kind: 'Service',
      name: names.root,
      role: 'edited',
      before: { uid: rootUid, fields: exposureFields(exposed, 'open') },
    },
    { kind: 'Service', name: names.stable, role: 'made' },
    names.ownsCanary
      ? { kind: 'Service', name: names.canary, role: 'made' }
      : {
          kind: 'Service',
          name: names.canary,
          role: 'edited',
          before: { uid: '', fields: exposureFields(given, 'open') },
        },
    { kind: 'TrafficSplit', name: names.split, role: 'made' },
    ...names.companions.map(({ name }): Entry => ({ kind: 'HTTPRoute', name, role: 'made' })),
    ...(names.profile === undefined
      ? []
      : [{ kind: 'ServiceProfile', name: names.profile, role: hadProfile ? 'reliedOn' : 'caused' } satisfies Entry]),
  ];
}

function path(_binding: Binding, from: Traffic, to: Traffic): Leg[] {
  const followed: Gate = { gate: 'followed', withinMs: FOLLOW_MS };
  if (to.kind === 'some') {
    const on = { name: '', traffic: to, gates: [[followed]] };
    if (from.kind === 'some') return [on];
    // Backends first: a split on Services that are not there sends nowhere.
    const before = { ...to, part: 'backends', root: 'open' } satisfies Traffic;
    const split = { ...to, part: 'split', root: 'open' } satisfies Traffic;
    return [
      { name: 'backends', traffic: before, gates: [[{ gate: 'stableReady' }]] },
      { name: 'split', traffic: split, gates: [[followed]] },
      { name: 'narrow', traffic: to, gates: [[{ gate: 'rootShows', version: 'stable' }]] },
    ];
  }
  if (from.kind === 'none') return [];
  const open = { ...from, root: 'open', part: 'open' } satisfies Traffic;
  const unsplit = { ...open, part: 'unsplit' } satisfies Traffic;
  return [
    { name: 'widen', traffic: open, gates: [] },
    { name: 'split-gone', traffic: unsplit, gates: [[{ gate: 'letGo', isOptional: true, withinMs: LET_GO_MS }]] },
    {
      name: 'profile-gone',
      traffic: { ...unsplit, part: 'unprofiled' },
      gates: [[{ gate: 'letGo' }], [{ gate: 'drain' }]],
    },
    { name: 'backends-gone', traffic: to, gates: [] },
  ];
}
