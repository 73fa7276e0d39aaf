import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judge, showDuration } from '../../../src/agent/guard/judge.ts';
import type { GuardFacts, GuardVerdict, GuardedPod } from '../../../src/agent/guard/judge.ts';

const pod = (more: Partial<GuardedPod> = {}): GuardedPod => ({
  name: 'web-1',
  deleting: false,
  failing: false,
  reason: '',
  message: '',
  restarts: 0,
  restartsBefore: 0,
  ...more,
});

const facts = (more: Partial<GuardFacts> = {}): GuardFacts => ({
  canaryWeight: 10,
  blind: '',
  pods: [pod(), pod({ name: 'web-2' })],
  canaryReady: 2,
  stableReady: 2,
  silentMs: 0,
  ...more,
});

const order = { minReady: 1, stableService: 'web-stable' };
const rollback = { ...order, lostContact: { afterMs: 600_000, do: 'rollback' as const } };
const hold = { ...order, lostContact: { afterMs: 600_000, do: 'hold' as const } };
const crashed = pod({ failing: true, reason: 'CrashLoopBackOff', message: 'container app: back-off' });

describe('a guard', () => {
  const table: [string, typeof order, Partial<GuardFacts>, GuardVerdict['kind'], RegExp?][] = [
    ['keeps while all is well', order, {}, 'keep'],
    [
      'fires at a container that failed',
      order,
      { pods: [pod(), crashed] },
      'fire',
      /^canary pod web-1 is CrashLoopBackOff: container app: back-off$/,
    ],
    [
      'fires at one that was restarted and is well again',
      order,
      { pods: [pod({ restarts: 3, restartsBefore: 2 })] },
      'fire',
      /was restarted/,
    ],
    ['keeps at restarts from before it was armed', order, { pods: [pod({ restarts: 2, restartsBefore: 2 })] }, 'keep'],
    [
      'keeps at a pod that ends because it was told to',
      order,
      { pods: [{ ...crashed, deleting: true }, pod()] },
      'keep',
    ],
    [
      'fires below the floor',
      { ...order, minReady: 2 },
      { canaryReady: 1 },
      'fire',
      /^ready canary endpoints: 1, fewer than 2$/,
    ],
    ['keeps at the floor', { ...order, minReady: 2 }, {}, 'keep'],
    ['has no floor at 0', { ...order, minReady: 0 }, { canaryReady: 0 }, 'keep'],
    [
      'keeps while the canary has no traffic',
      rollback,
      { pods: [crashed], canaryReady: 0, canaryWeight: 0, silentMs: 1e9 },
      'keep',
    ],
    ['fires where the weight cannot be known', order, { pods: [crashed], canaryWeight: undefined }, 'fire'],
    [
      'waits while the stable has no ready endpoint',
      order,
      { pods: [crashed], stableReady: 0 },
      'wait',
      /CrashLoopBackOff.*waits for a ready endpoint of the stable \(web-stable has none\)/,
    ],
    ['does not judge by an old picture', order, { pods: [crashed], canaryReady: 0, blind: 'old' }, 'keep'],
    [
      'fires when the orchestrator is lost',
      rollback,
      { silentMs: 600_000 },
      'fire',
      /^no word from the orchestrator for 10 min$/,
    ],
    ['keeps a moment before that', rollback, { silentMs: 599_999 }, 'keep'],
    ['keeps for ever where it is not asked to miss it', order, { silentMs: 1e12 }, 'keep'],
    ['waits with lost contact and a stable that has nothing', rollback, { silentMs: 1e9, stableReady: 0 }, 'wait'],
    [
      'waits with lost contact until it sees',
      rollback,
      { silentMs: 1e9, blind: 'pods are not listed yet' },
      'wait',
      /waits to see the stable: pods are not listed yet/,
    ],
    ['holds when it is told to', hold, { silentMs: 600_000 }, 'hold', /the weights stay/],
    ['holds blind as well', hold, { silentMs: 600_000, blind: 'old' }, 'hold'],
    ['fires at a crash while it holds', hold, { silentMs: 600_000, pods: [crashed] }, 'fire', /CrashLoop/],
  ];
  test.each(table)('%s', (_title, given, seen, kind, reason = /(?:)/) => {
    const verdict = judge(given, facts(seen));
    expect(verdict.kind).toBe(kind);
    expect(verdict.kind === 'keep' ? '' : verdict.reason).toMatch(reason);
  });

  const anyPod = fc.record({
    name: fc.string(),
    deleting: fc.boolean(),
    failing: fc.boolean(),
    reason: fc.string(),
    message: fc.string(),
    restarts: fc.nat(5),
    restartsBefore: fc.nat(5),
  });
  const anyFacts: fc.Arbitrary<GuardFacts> = fc.record({
    canaryWeight: fc.option(fc.nat(3), { nil: undefined }),
    blind: fc.constantFrom('', 'old'),
    pods: fc.array(anyPod, { maxLength: 4 }),
    canaryReady: fc.nat(3),
    stableReady: fc.nat(3),
    silentMs: fc.nat(2000),
  });
  const anyOrder = fc.record({
    minReady: fc.nat(3),
    stableService: fc.constant('web-stable'),
    lostContact: fc.record({
      afterMs: fc.integer({ min: 1, max: 2000 }),
      do: fc.constantFrom('rollback' as const, 'hold' as const),
    }),
  });

  test('never fires into a stable with nothing ready, nor blind, nor where no traffic is in danger', () => {
    expect.hasAssertions();
    fc.assert(
      fc.property(anyOrder, anyFacts, (given, seen) => {
        const mayNot = seen.stableReady === 0 || seen.blind !== '' || seen.canaryWeight === 0;
        expect(mayNot && judge(given, seen).kind === 'fire').toBe(false);
      }),
    );
  });

  test('misses nothing: with a whole picture and a ready stable, each reason to fire does', () => {
    expect.hasAssertions();
    fc.assert(
      fc.property(anyOrder, anyFacts, (given, some) => {
        const seen = { ...some, blind: '', stableReady: 1, canaryWeight: 1 };
        const isBroken = seen.pods.some(
          (each) => !each.deleting && (each.failing || each.restarts > each.restartsBefore),
        );
        const isLost = seen.silentMs >= given.lostContact.afterMs;
        const isDue = isBroken || seen.canaryReady < given.minReady || (isLost && given.lostContact.do === 'rollback');
        expect(judge(given, seen).kind).toBe(isDue ? 'fire' : isLost ? 'hold' : 'keep');
      }),
    );
  });
});

test('durations as people say them', () => {
  expect([1500, 60_000, 600_000, 90_000 * 60].map(showDuration)).toEqual(['1.5 s', '60 s', '10 min', '90 min']);
});
