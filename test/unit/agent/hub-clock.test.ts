import { expect, test } from 'vitest';
import { HubClock } from '../../../src/agent/dispatch/hub-clock.ts';

test('deadlines are judged by the hub, however wrong our own clock is', () => {
  let ours = 1_000_000;
  const clock = new HubClock(() => ours);
  expect(clock.now()).toBe(1_000_000);
  clock.begin(1_600_000, ours);
  expect(clock.now()).toBe(1_600_000);
  ours += 500;
  expect(clock.now()).toBe(1_600_500);
});

test('an answer that was long on its way makes nothing late: the hub is taken to be as far as it may be', () => {
  let ours = 1000;
  const clock = new HubClock(() => ours);
  const askedAtMs = ours;
  const hubTimeMs = 1002;
  ours = 4000; // stopped for three seconds
  clock.begin(hubTimeMs, askedAtMs);
  expect(clock.now()).toBeGreaterThanOrEqual(4000);
});

test('a heartbeat that took long sets nothing back; one that is ahead sets it forward', () => {
  let ours = 0;
  const clock = new HubClock(() => ours);
  clock.begin(10_000, 0);
  ours = 15_000;
  clock.hear(23_000);
  expect(clock.skewMs).toBe(10_000);
  clock.hear(ours + 12_000);
  expect(clock.skewMs).toBe(12_000);
});

test('another hub has another clock', () => {
  const clock = new HubClock(() => 0);
  clock.begin(90_000, 0);
  clock.begin(1000, 0);
  expect(clock.skewMs).toBe(1000);
});
