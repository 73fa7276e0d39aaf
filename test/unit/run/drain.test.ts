/** Traffic has moved away from pods: their last requests have the configured time before anything of theirs is removed. */

import { describe, expect, it } from 'vitest';
import { newCanaryState, type CanaryState } from '../../../src/orchestrator/engine/run/canary-state.ts';
import { removeRouting } from '../../../src/orchestrator/engine/run/clean-up.ts';
import { promote } from '../../../src/orchestrator/engine/run/promote.ts';
import { rollBack } from '../../../src/orchestrator/engine/run/roll-back.ts';
import { Run } from '../../../src/orchestrator/engine/run/run.ts';
import { weightObjects } from '../../../src/orchestrator/plan/route.ts';
import { sharesOf } from '../../../src/orchestrator/plan/weights.ts';
import type { OperationSpec } from '../../../src/protocol/operation.ts';
import type { DeploymentRecord, PodRecord, ReplicaSetRecord, Snapshot } from '../../../src/protocol/snapshot.ts';
import { canaryPlan } from '../../support/canary-plan.ts';
import { emptySnapshot } from '../../support/empty-snapshot.ts';
import { identity, runWorld } from '../../support/run-world.ts';

const names = { ...canaryPlan.names, companions: [] };
const plan = { ...canaryPlan, names, retain: false };

/** What a run sees while the canary has this share. @param hash of the version whose pod serves in the end. */
function seen(canaryPercent: number, hash: 'old' | 'new'): Snapshot {
  const [split] = weightObjects(names, sharesOf(canaryPercent)) as unknown as {
    spec: { backends: { service: string; weight: number }[] };
  }[];
  const weights = (split?.spec.backends ?? []).map(({ service, weight }) => ({ backend: service, weight }));
  const deployment = {
    uid: 'd',
    generation: 1,
    observedGeneration: 1,
    desired: 1,
    replicas: 1,
    updated: 1,
    available: 1,
  };
  const set = { name: 'web-new', hash: 'new', ownerUid: 'd', desired: 1, available: 1, failure: '' };
  const pod = { name: 'web-1', uid: 'p', hash, ready: true, deleting: false, restarts: 0, reason: '', failing: false };
  const services = [names.root, names.stable, names.canary];
  return {
    ...emptySnapshot(identity.rolloutId),
    // Records in the parts that a run reads.
    deployment: deployment as DeploymentRecord,
    replicaSets: [set as ReplicaSetRecord],
    pods: [pod as PodRecord],
    endpoints: services.map((service) => ({ service, exists: true, ready: ['p'], notReady: [] })),
    split: { name: names.split, uid: 's', resourceVersion: '1', service: names.root, weights },
  };
}

function nameOf(spec: OperationSpec): string {
  if (spec.kind !== 'patch' && spec.kind !== 'delete') return spec.kind;
  return `${spec.kind} ${spec.object.kind} ${spec.object.name}`;
}

/** @returns what the clock showed at each operation of that name. */
async function timesOf(
  act: (state: CanaryState) => Promise<void>,
  drainMs: number,
  hash: 'old' | 'new',
): Promise<(what: string) => number[]> {
  const times: { what: string; atMs: number }[] = [];
  const world = runWorld(undefined, ({ id, spec }) => {
    times.push({ what: nameOf(spec), atMs: world.clock.now() });
    const isSplit = spec.kind === 'patch' && spec.object.kind === 'TrafficSplit';
    if (isSplit) world.see(seen(state.expected.shares?.canary === 0 ? 0 : 100, hash));
    const value = spec.kind === 'apply' ? { objects: spec.objects } : { items: [] };
    return { id, state: 'succeeded', code: 'OK', message: '', value, atMs: 0 };
  });
  const state = newCanaryState(new Run({ ...world.ports, drainMs }, identity), structuredClone(plan));
  const made = {
    backendsMade: true,
    splitMade: true,
    canaryMade: true,
    cannotGuard: true,
    rootPicks: 'stable',
  } as const;
  Object.assign(state, made);
  state.expected.names = names;
  state.expected.isServing = true;
  world.see(seen(100, hash));
  const ended = act(state);
  for (let drains = 0; drains < 4; drains++) {
    // The last millisecond by itself: what ends earlier shows an earlier time.
    await world.pass(drainMs - 1);
    await world.pass(Math.min(drainMs, 1));
  }
  await ended;
  expect(world.dangling()).toBe(0);
  return (what: string) => times.filter((each) => each.what === what).map(({ atMs }) => atMs);
}

describe.each([3_000, 200, 0])('with %i ms for the last requests', (drainMs) => {
  it('a rollback gives the canary that long before it is scaled to 0', async () => {
    const at = await timesOf((state) => rollBack(state, 'too slow'), drainMs, 'old');
    expect(at('patch TrafficSplit web')).toEqual([0]);
    expect(at('patch ReplicaSet web-new')).toEqual([drainMs]);
  });

  it('a clean-up gives the backends that long after their split has gone', async () => {
    const at = await timesOf(removeRouting, drainMs, 'new');
    expect(at('delete TrafficSplit web')).toEqual([0]);
    expect(at('delete Service web-stable')).toEqual([drainMs]);
  });

  it('a promotion gives the old pods that long for the split, and again for the root, before the Deployment ends them', async () => {
    const at = await timesOf(promote, drainMs, 'new');
    const [splitAway, splitBack] = at('patch TrafficSplit web');
    const [rootAway, rootBack] = at('patch Service web');
    expect([splitAway, rootAway]).toEqual([0, drainMs]);
    expect(at('patch Deployment web')).toEqual([2 * drainMs]);
    expect([splitBack, rootBack]).toEqual([2 * drainMs, 3 * drainMs]);
    expect(at('delete Service web-stable')).toEqual([4 * drainMs]);
  });
});
