/** When a person who watches is told that a run is stalled: once a stall, and not for every try of it. */

import { describe, expect, it } from 'vitest';
import type { StreamedRollout } from '../../../src/cli/follow.ts';
import { newStalls, patienceEndsMs, stallsAfter, type Stalls } from '../../../src/cli/stalls.ts';

const running: StreamedRollout = {
  id: 'dep_1:staging',
  target: 'staging',
  state: 'running',
  phase: 'rollback',
  step: 2,
  steps: 5,
  weight: 25,
  ready: 3,
  wanted: 3,
  reason: null,
  verdicts: [],
};
const stalled: StreamedRollout = { ...running, state: 'stalled', reason: 'remove ConfigMap a failed' };

/** Each rollout a second after the one before. */
function after(...rollouts: StreamedRollout[]): Stalls {
  return rollouts.reduce((stalls, rollout, index) => stallsAfter(stalls, rollout, index * 1_000), new Map() as Stalls);
}

describe('a stall', () => {
  it('is new when it is first seen, with its reason', () => {
    expect(newStalls(after(running), after(running, stalled))).toMatchObject([
      { target: 'staging', reason: 'remove ConfigMap a failed', sinceMs: 1_000 },
    ]);
  });

  it('is the same one over every try and every other wording of its reason', () => {
    const once = after(stalled);
    const again = [running, { ...stalled, reason: 'again' }, running].reduce(
      (stalls, rollout) => stallsAfter(stalls, rollout, 9_000),
      once,
    );
    expect(again).toBe(once);
  });

  it.each([
    ['gets further', { ...running, phase: 'cleanup' }],
    ['waits for an approval', { ...running, state: 'waitingApproval' }],
    ['is over', { ...running, state: 'rolledBack' }],
  ])('ends when its target %s, and may come again', (_how, next) => {
    expect(after(stalled, next).size).toBe(0);
    expect(after(stalled, next, stalled).get(stalled.id)?.sinceMs).toBe(2_000);
  });

  it('that is the oldest says when patience ends', () => {
    const other = { ...stalled, id: 'dep_1:prod', target: 'prod' };
    expect(patienceEndsMs(after(running), 5_000)).toBeUndefined();
    expect(patienceEndsMs(after(running, stalled, other), 5_000)).toBe(6_000);
    expect(newStalls(after(running, stalled), after(running, stalled))).toHaveLength(1);
  });
});
