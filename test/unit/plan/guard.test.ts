import { describe, expect, test } from 'vitest';
import { disarmSpec, firedGuard, floorOf, guardNews, guardSpec } from '../../../src/orchestrator/plan/guard.ts';
import { weightObjects, type RouteNames } from '../../../src/orchestrator/plan/route.ts';
import { sharesOf } from '../../../src/orchestrator/plan/weights.ts';
import type { Snapshot, SplitRecord } from '../../../src/protocol/snapshot.ts';
import { routeNames } from '../../support/route-names.ts';

const names: RouteNames = { ...routeNames, rolloutId: 'r1' };

const plan = {
  names,
  canaryHash: 'abc',
  guard: { minReady: { percent: 50 }, lostContact: { afterMs: 600_000, do: 'rollback' as const } },
};

const split = { apiVersion: 'split.smi-spec.io/v1alpha2', kind: 'TrafficSplit', namespace: 'shop', name: 'web' };

describe("the guard's operation", () => {
  test('says how all traffic comes to the stable, in every object that holds weights and in their words', () => {
    const spec = guardSpec(plan, 5);
    expect(spec).toMatchObject({
      holder: split,
      canaryHash: 'abc',
      minReady: 3,
      lostContact: { afterMs: 600_000, do: 'rollback' },
      rollout: 'r1',
    });
    const [ours, route] = weightObjects(names, sharesOf(0)) as unknown as { spec: Record<string, unknown> }[];
    expect(spec.writes).toEqual([
      { object: split, body: { spec: { backends: ours?.spec['backends'] } } },
      {
        object: {
          apiVersion: 'gateway.networking.k8s.io/v1',
          kind: 'HTTPRoute',
          namespace: 'shop',
          name: 'web-sluice',
        },
        body: { spec: { rules: route?.spec['rules'] } },
      },
    ]);
  });

  test('takes it off the same object', () => {
    expect(disarmSpec(plan)).toMatchObject({ disarm: true, holder: split });
  });

  test.each([
    [{ count: 1 }, 4, 1],
    [{ count: 3 }, 2, 2],
    [{ percent: 50 }, 5, 3],
    [{ percent: 50 }, 1, 1],
    [{ percent: 100 }, 7, 7],
  ])('a floor of %j with %i pods is %i', (minReady, replicas, floor) => {
    expect(floorOf(minReady, replicas)).toBe(floor);
  });
});

describe('what a snapshot says of it', () => {
  const seen = (guard?: SplitRecord['guard']): Snapshot =>
    ({ split: { name: 'web', weights: [], ...(guard && { guard }) } }) as unknown as Snapshot;

  test.each([
    [undefined, undefined, undefined],
    [{ state: 'armed' as const, reason: '' }, undefined, undefined],
    [{ state: 'armed' as const, reason: 'no word' }, undefined, /^the agent's guard: no word$/],
    [{ state: 'holding' as const, reason: 'no word' }, undefined, /holds: no word/],
    [{ state: 'unreadable' as const, reason: 'no JSON' }, undefined, /lost.*no JSON/],
    [
      { state: 'fired' as const, reason: 'it crashed' },
      /^the agent's guard sent all traffic to the stable: it crashed$/,
      undefined,
    ],
  ])('%j', (guard, fired, news) => {
    expect(firedGuard(seen(guard)) ?? '').toMatch(fired ?? /^$/);
    expect(guardNews(seen(guard)) ?? '').toMatch(news ?? /^$/);
  });

  test('without a split there is nothing to say', () => {
    expect(firedGuard({} as Snapshot)).toBeUndefined();
    expect(guardNews({} as Snapshot)).toBeUndefined();
  });
});
