import { expect, test } from 'vitest';
import { Watchdog } from '../../../src/agent/watchdog.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function start(): { clock: ManualClock; watchdog: Watchdog; stuck: () => number; wait: (ms: number) => void } {
  const clock = new ManualClock();
  let calls = 0;
  const watchdog = new Watchdog(clock, () => (calls += 1));
  const wait = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 5000) clock.advance(5000);
  };
  return { clock, watchdog, stuck: () => calls, wait };
}

test('a loop that says nothing for two minutes is stuck, once', () => {
  const { stuck, wait } = start();
  wait(110_000);
  expect(stuck()).toBe(0);
  wait(30_000);
  expect(stuck()).toBe(1);
  wait(600_000);
  expect(stuck()).toBe(1);
});

test('a loop that waits for long, and said so, is not stuck; nor is one that turns', () => {
  const { watchdog, stuck, wait } = start();
  watchdog.expect(300_000);
  wait(400_000);
  expect(stuck()).toBe(0);
  for (let turn = 0; turn < 10; turn++) {
    watchdog.expect(45_000);
    wait(60_000);
  }
  expect(stuck()).toBe(0);
  watchdog.stop();
  wait(600_000);
  expect(stuck()).toBe(0);
});
