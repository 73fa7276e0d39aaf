import { expect, test } from 'vitest';
import { StandStill } from '../../../src/agent/dispatch/stand-still.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('a process that runs never stood still, however long an operation takes', () => {
  const clock = new ManualClock();
  const standStill = new StandStill(clock);
  for (let second = 0; second < 100; second++) clock.advance(1000);
  expect(standStill.wasSince(0)).toBe(false);
});

test('a gap between two beats is one: for what began before it, not for what looked after it', () => {
  const clock = new ManualClock();
  const standStill = new StandStill(clock);
  clock.advance(1000);
  clock.advance(10_000);
  expect(standStill.wasSince(1000)).toBe(true);
  expect(standStill.wasSince(clock.now())).toBe(false);
});

test('it is noticed by whoever asks first, also before the next beat', () => {
  const clock = new ManualClock();
  const standStill = new StandStill({ now: () => clock.now(), after: () => () => undefined });
  clock.advance(10_000);
  expect(standStill.wasSince(0)).toBe(true);
});
