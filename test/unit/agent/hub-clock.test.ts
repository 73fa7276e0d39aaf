import { expect, test } from 'vitest';
import { HubClock } from '../../../src/agent/dispatch/hub-clock.ts';

test('deadlines are judged by the hub, however wrong our own clock is', () => {
  let ours = 1_000_000;
  const clock = new HubClock(() => ours);
  expect(clock.now()).toBe(1_000_000);
  clock.begin(1_600_000);
  expect(clock.now()).toBe(1_600_000);
  ours += 500;
  expect(clock.now()).toBe(1_600_500);
});

test('a heartbeat that took long on its way does not set the time back; a clock that was set does, soon', () => {
  let ours = 0;
  const clock = new HubClock(() => ours);
  clock.begin(10_000);
  ours = 15_000;
  clock.hear(23_000); // two seconds late
  expect(clock.skewMs).toBe(10_000);
  for (let beat = 0; beat < 4; beat++) clock.hear(ours + 4000);
  expect(clock.skewMs).toBe(4000);
});

test('another hub has another clock', () => {
  const clock = new HubClock(() => 0);
  clock.begin(90_000);
  clock.begin(1000);
  expect(clock.skewMs).toBe(1000);
});
