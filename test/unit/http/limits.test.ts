/** Limits by time: what is taken comes back, and names that rest are forgotten. */

import { expect, it } from 'vitest';
import { Limiter } from '../../../src/orchestrator/http/limits.ts';
import { ManualClock } from '../../support/manual-clock.ts';

it('takes a burst, then so many a second, of each name by itself', () => {
  const clock = new ManualClock();
  const limiter = new Limiter({ perSecond: 2, burst: 3 }, clock);
  expect([1, 2, 3, 4].map(() => limiter.take('ci'))).toEqual([0, 0, 0, 500]);
  expect(limiter.take('ada')).toBe(0);
  clock.advance(500);
  expect([limiter.take('ci'), limiter.take('ci')]).toEqual([0, 500]);
});

it('forgets names that rest, and of more than it can know all', () => {
  const clock = new ManualClock();
  const limiter = new Limiter({ perSecond: 1, burst: 1 }, clock);
  const takeMany = (): void => {
    for (let count = 0; count < 9_999; count++) limiter.take(`address ${count}`);
  };
  takeMany();
  clock.advance(500);
  limiter.take('late');
  clock.advance(600);
  // The others' second is over, this one's is not.
  limiter.take('one more');
  expect(limiter.take('late')).toBeGreaterThan(0);
  takeMany();
  expect(limiter.take('late')).toBe(0);
});
