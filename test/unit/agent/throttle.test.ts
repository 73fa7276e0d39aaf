import { expect, test } from 'vitest';
import { Throttle } from '../../../src/agent/health/throttle.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('few news go at once, many at a pace, the last of them always, and bad ones never wait', () => {
  const clock = new ManualClock();
  let emitted = 0;
  const throttle = new Throttle(clock, () => (emitted += 1));
  for (let count = 0; count < 5; count++) throttle.ring(false);
  expect(emitted).toBe(5);
  for (let count = 0; count < 1000; count++) throttle.ring(false);
  expect(emitted).toBe(10);
  throttle.ring(true);
  expect(emitted).toBe(11);
  throttle.ring(false);
  clock.advance(50);
  expect(emitted).toBe(12);
  clock.advance(1000);
  expect(emitted).toBe(12);
});

test('a storm of a second gives about twenty pictures', () => {
  const clock = new ManualClock();
  let emitted = 0;
  const throttle = new Throttle(clock, () => (emitted += 1));
  for (let ms = 0; ms < 1000; ms++) {
    throttle.ring(false);
    clock.advance(1);
  }
  expect(emitted).toBeGreaterThanOrEqual(20);
  expect(emitted).toBeLessThanOrEqual(40);
});
