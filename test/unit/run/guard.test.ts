import { describe, expect, it } from 'vitest';
import { newCanaryState, type CanaryState } from '../../../src/orchestrator/engine/run/canary-state.ts';
import { RunFault } from '../../../src/orchestrator/engine/run/fault.ts';
import {
  armGuard,
  disarmGuard,
  dropGuard,
  dropOldGuard,
  keepGuard,
} from '../../../src/orchestrator/engine/run/guard.ts';
import { Run } from '../../../src/orchestrator/engine/run/run.ts';
import { applyWeights, shift } from '../../../src/orchestrator/engine/run/shift.ts';
import { weightObjects, type RouteNames } from '../../../src/orchestrator/plan/route.ts';
import type { CanaryPlan } from '../../../src/orchestrator/plan/rollout-plan.ts';
import { sharesOf } from '../../../src/orchestrator/plan/weights.ts';
import type { Operation, OperationResult } from '../../../src/protocol/operation.ts';
import type { Snapshot, SplitRecord } from '../../../src/protocol/snapshot.ts';
import { emptySnapshot } from '../../support/empty-snapshot.ts';
import { identity, runWorld, type RunWorld } from '../../support/run-world.ts';
import { routeNames } from '../../support/route-names.ts';

const names: RouteNames = { ...routeNames, companions: [] };
const plan = {
  names,
  canaryHash: 'new',
  canaryReplicas: 4,
  guard: { minReady: { percent: 50 }, lostContact: { afterMs: 600_000, do: 'rollback' } },
  hasOldGuard: false,
} as unknown as CanaryPlan;

interface World extends Pick<RunWorld, 'said'> {
  see: (snapshot: Snapshot) => void;
  state: CanaryState;
  /** What was asked: `arm 2`, `disarm`, `patch`; with `!` where it may undo what a guard did. */
  asked: string[];
}

function world(answer: (operation: Operation) => Partial<OperationResult> = () => ({}), more: object = {}): World {
  const asked: string[] = [];
  const own = runWorld(undefined, (operation) => {
    const { spec, afterGuard } = operation;
    const what = spec.kind === 'guard' ? (spec.disarm ? 'disarm' : `arm ${spec.minReady}`) : spec.kind;
    asked.push(afterGuard ? `${what}!` : what);
    const usual: OperationResult = {
      id: operation.id,
      state: 'succeeded',
      code: 'OK',
      message: '',
      value: {},
      atMs: 0,
    };
    return { ...usual, ...answer(operation) };
  });
  const state = newCanaryState(new Run(own.ports, identity), { ...plan, ...more });
  return { said: own.said, see: (snapshot) => own.see(snapshot), state, asked };
}

const superseded = { state: 'superseded', code: 'SUPERSEDED', message: 'The guard fired.' } as const;

const seen = (guard?: SplitRecord['guard'], canary = 0): Snapshot => {
  const [split] = weightObjects(names, sharesOf(canary)) as unknown as {
    spec: { backends: { service: string; weight: number }[] };
  }[];
  const weights = (split?.spec.backends ?? []).map(({ service, weight }) => ({ backend: service, weight }));
  const record = { name: 'web', uid: 'u', resourceVersion: '1', service: 'web', weights, ...(guard && { guard }) };
  return { ...emptySnapshot(identity.rolloutId), split: record };
};

const fired = { state: 'fired' as const, reason: 'canary pod web-1 is Error' };
const inItsWords = "the agent's guard sent all traffic to the stable: canary pod web-1 is Error";

describe('the guard of a run', () => {
  it('is armed once, and again when the canary has another size', async () => {
    const { state, asked } = world();
    await keepGuard(state);
    await keepGuard(state);
    state.expected.canaryReplicas = 2;
    await keepGuard(state);
    await disarmGuard(state);
    await disarmGuard(state);
    expect(asked).toEqual(['arm 2', 'arm 1', 'disarm']);
  });

  it('is done without where the agent knows none, and that is said once', async () => {
    const { state, asked, said } = world(() => ({ state: 'rejected', code: 'UNSUPPORTED', message: 'Upgrade it.' }));
    await keepGuard(state);
    await keepGuard(state);
    await disarmGuard(state);
    await dropGuard(state);
    await state.run.flush();
    expect(asked).toEqual(['arm 2']);
    expect(said.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
      expect.stringMatching(/^warning: the agent of east knows no guard: nobody watches the canary while/),
    ]);
  });

  it.each([
    ['arming', (state: CanaryState) => armGuard(state)],
    ['disarming', (state: CanaryState) => disarmGuard(state)],
    ['a weight', (state: CanaryState) => shift(state, 50)],
    ['putting weights back', (state: CanaryState) => applyWeights(state, sharesOf(50))],
  ])('has the word where it refuses %s', async (_what, act) => {
    const { state, see } = world(() => superseded);
    state.expected.guardFloor = 2;
    see(seen(fired));
    const fault: unknown = await act(state).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(RunFault);
    expect((fault as RunFault).message).toBe(inItsWords);
  });

  it('ends a read-back at once when it fires in the middle of it', async () => {
    const { state, see } = world();
    state.expected.guardFloor = 2;
    see(seen({ state: 'armed', reason: '' }));
    const shifted = shift(state, 50).catch((error: unknown) => error);
    await new Promise(setImmediate);
    see(seen(fired));
    expect(await shifted).toMatchObject({ message: inItsWords });
  });

  it('is waited for in the picture, and armed anew on a split that was made anew', async () => {
    const { state, see, asked } = world();
    state.expected.guardFloor = 2;
    await applyWeights(state, sharesOf(50));
    expect(asked).toEqual(['apply', 'arm 2']);
    see(seen(undefined, 50));
    let isDone = false;
    const shifted = shift(state, 50).then(() => (isDone = true));
    await new Promise(setImmediate);
    expect(isDone).toBe(false);
    see(seen({ state: 'armed', reason: '' }, 50));
    await shifted;
  });

  it('of an earlier run is taken off a split that is taken over, and only that may undo it', async () => {
    const { state, asked } = world(undefined, { hasOldGuard: true });
    await dropOldGuard(state);
    await keepGuard(state);
    state.run.afterGuard = true;
    await dropGuard(state);
    await dropGuard(state);
    expect(asked).toEqual(['disarm!', 'arm 2', 'disarm!']);
  });

  it('that stays on the split is told, and holds up no rollback', async () => {
    const { state, said } = world(() => ({ state: 'failed', code: 'FORBIDDEN', message: 'No right.' }));
    state.expected.guardFloor = 2;
    await dropGuard(state);
    await state.run.flush();
    expect(said[0]?.message).toBe('the guard stays on TrafficSplit web: No right.');
  });
});
