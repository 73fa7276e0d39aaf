/** What a person is told of the agents' comings, and what is nothing special. */

import { describe, expect, it, test } from 'vitest';
import { HUB_LIMITS } from '../../../src/orchestrator/hub/hub-limits.ts';
import { alternation, withRefusal, withVisit } from '../../../src/orchestrator/hub/suspicion.ts';
import type { Visit } from '../../../src/orchestrator/hub/suspicion.ts';

const MINUTE_MS = 60_000;

/** An upper-case agent loses its connection and comes back; a lower-case one comes while its own session is alive. */
function visits(instances: string, everyMs = 30_000): Visit[] {
  let seen: Visit[] = [];
  for (const [index, letter] of instances.split('').entries()) {
    const instanceId = letter.toUpperCase();
    const visit = {
      instanceId,
      peer: `peer of ${instanceId}`,
      atMs: index * everyMs,
      takesOver: letter !== instanceId,
    };
    seen = withVisit(seen, visit, HUB_LIMITS);
  }
  return seen;
}

describe('two agents with one credential', () => {
  test.each([
    ['ABA', 'B'],
    ['ABAB', 'A'],
    ['ABCA', 'C'],
    ['AABBA', 'B'],
    ['Aaaaa', 'A'], // under one name
    ['AaAaaAAa', 'A'],
  ])('%s alternate', (instances, other) => {
    expect(alternation(visits(instances))).toMatchObject({ instanceId: other, peer: `peer of ${other}` });
  });

  test.each(['', 'A', 'AA', 'AB', 'ABC', 'ABB', 'ABCD', 'Aaaa', 'AAAAAA', 'AaaaA', 'AbCd'])(
    '%s is a restart, or a lost connection',
    (instances) => {
      expect(alternation(visits(instances))).toBeUndefined();
    },
  );

  it('are forgotten after ten minutes', () => {
    expect(alternation(visits('ABA', 4 * MINUTE_MS))).toBeDefined();
    expect(alternation(visits('ABA', 6 * MINUTE_MS))).toBeUndefined();
  });

  it('take a bounded place in memory', () => {
    expect(visits('ABABABABABABABABABABABABABAB', 1)).toHaveLength(16);
  });
});

it('refusals count within a minute, and begin anew after it', () => {
  const first = withRefusal(undefined, 0, HUB_LIMITS);
  const second = withRefusal(first, MINUTE_MS, HUB_LIMITS);
  expect(second).toEqual({ count: 2, sinceMs: 0 });
  expect(withRefusal(second, MINUTE_MS + 1, HUB_LIMITS)).toEqual({ count: 1, sinceMs: MINUTE_MS + 1 });
});
