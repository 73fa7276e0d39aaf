import { expect, test } from 'vitest';
import type { ClientCounts, Snapshot } from '../cluster/mesh/counts.ts';
import { difference, shareOf } from '../cluster/mesh/counts.ts';

function counts(answered: number, byVersion: Record<string, number>, failed = 0): ClientCounts {
  const versions = Object.entries(byVersion).map(
    ([version, n]) => [version, { answered: n, serverErrors: 0 }] as const,
  );
  const failures = { reset: { count: failed, sample: 'reset by peer', first: 'a', last: 'b' } };
  return {
    sent: answered + failed,
    answered,
    failed,
    serverErrors: 0,
    skipped: 0,
    byVersion: Object.fromEntries(versions),
    failures: failed === 0 ? {} : failures,
  };
}

function snapshot(clients: Record<string, ClientCounts>): Snapshot {
  const states = Object.entries(clients).map(
    ([name, count]) =>
      [name, { name, mode: 'meshed' as const, began: '', stopped: false, oldest: '', stack: null, ...count }] as const,
  );
  return { at: '', clients: Object.fromEntries(states) };
}

test('what happened between two marks names only what happened', () => {
  const earlier = snapshot({ busy: counts(100, { v1: 100 }, 2) });
  const later = snapshot({ busy: counts(200, { v1: 100, v2: 100 }, 2), fresh: counts(8, { v1: 6, v2: 2 }, 1) });
  expect(difference(earlier, later)).toEqual({ busy: counts(100, { v2: 100 }), fresh: counts(8, { v1: 6, v2: 2 }, 1) });
});

test('a version’s share is of the answers, and of none it is 0', () => {
  expect(shareOf(counts(8, { v1: 6, v2: 2 }, 4), 'v2')).toBe(0.25);
  expect(shareOf(counts(8, { v1: 8 }), 'v2')).toBe(0);
  expect(shareOf(counts(0, {}), 'v2')).toBe(0);
});
