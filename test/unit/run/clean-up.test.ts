import { describe, expect, it } from 'vitest';
import { newCanaryState, type CanaryState } from '../../../src/orchestrator/engine/run/canary-state.ts';
import { removeRouting } from '../../../src/orchestrator/engine/run/clean-up.ts';
import { Run } from '../../../src/orchestrator/engine/run/run.ts';
import type { CanaryPlan } from '../../../src/orchestrator/plan/rollout-plan.ts';
import type { OperationSpec } from '../../../src/protocol/operation.ts';
import { canaryPlan as plan } from '../../support/canary-plan.ts';
import { identity, runWorld } from '../../support/run-world.ts';

/** What the end of a run does, in order. */
async function endOf(more: Partial<CanaryPlan>, made: Partial<CanaryState>, isFollowed: boolean): Promise<string[]> {
  const done: string[] = [];
  const tell = (spec: OperationSpec): string => {
    if (spec.kind === 'apply') {
      return `apply ${spec.objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ')}`;
    }
    if (spec.kind === 'delete' || spec.kind === 'patch') {
      return `${spec.kind} ${spec.object.kind} ${spec.object.name}`;
    }
    return spec.kind;
  };
  const world = runWorld(undefined, ({ id, spec }) => {
    done.push(tell(spec));
    return { id, state: 'succeeded', code: 'OK', message: '', value: {}, atMs: 0 };
  });
  const own = structuredClone({ ...plan, ...more });
  const state = Object.assign(newCanaryState(new Run(world.ports, identity), own), made);
  if (isFollowed) state.expected.names = own.names;
  const ended = removeRouting(state);
  await world.pass(60_000);
  await ended;
  expect(world.dangling()).toBe(0);
  return done;
}

const made: Partial<CanaryState> = { backendsMade: true, splitMade: true, rootPicks: 'stable' };

describe('the end of a run with retain: true', () => {
  it('restores the root first, keeps backends and split in one go, and takes the companion away', async () => {
    expect(await endOf({}, made, true)).toEqual([
      'patch Service web',
      'apply Service web-stable, Service web-canary, TrafficSplit web',
      'delete HTTPRoute web-sluice',
    ]);
  });

  it('keeps nothing that has not worked: neither a split that nobody followed nor backends without one', async () => {
    expect(await endOf({}, made, false)).toEqual([
      'patch Service web',
      'delete TrafficSplit web',
      'delete HTTPRoute web-sluice',
      'delete Service web-stable',
      'delete Service web-canary',
    ]);
    expect(await endOf({}, { backendsMade: true }, false)).toEqual([
      'delete Service web-stable',
      'delete Service web-canary',
    ]);
  });

  it('keeps what an earlier run left, however early this one failed', async () => {
    expect((await endOf({ isRetained: true }, {}, false))[0]).toBe(
      'apply Service web-stable, Service web-canary, TrafficSplit web',
    );
  });

  it("gives the user's own canary Service back, and removes the one that it superseded", async () => {
    const names = { ...plan.names, canary: 'mine', ownsCanary: false, companions: [] };
    const more = { names, canarySelector: { app: 'web' }, superseded: 'web-canary' };
    expect(await endOf(more, made, true)).toEqual([
      'patch Service web',
      'apply Service web-stable, TrafficSplit web',
      'patch Service mine',
      'delete Service web-canary',
    ]);
  });
});

it('a run without retain takes away what an earlier one kept, the split before its backends', async () => {
  const done = await endOf({ retain: false, isRetained: true }, {}, false);
  expect(done).toEqual([
    'delete TrafficSplit web',
    'delete HTTPRoute web-sluice',
    'delete Service web-stable',
    'delete Service web-canary',
  ]);
});
