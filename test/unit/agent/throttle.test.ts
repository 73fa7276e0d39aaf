import { expect, test } from 'vitest';
import { Throttle } from '../../../src/agent/health/throttle.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function counted() {
  const clock = new ManualClock();
  const emittedMs: number[] = [];
  return { clock, emittedMs, throttle: new Throttle(clock, () => emittedMs.push(clock.now())) };
}

test('the first news go at once, what follows within 250 ms goes together, and the last is never lost', () => {
  const { clock, emittedMs, throttle } = counted();
  throttle.ring('none');
  expect(emittedMs).toEqual([0]);
  for (let ms = 10; ms <= 240; ms += 10) {
    clock.advance(10);
    throttle.ring('none');
  }
  expect(emittedMs).toEqual([0]);
  clock.advance(10);
  expect(emittedMs).toEqual([0, 250]);
  clock.advance(1000);
  expect(emittedMs).toEqual([0, 250]);
  throttle.ring('none');
  expect(emittedMs).toEqual([0, 250, 1250]);
});

test('urgent news do not wait, and carry what waits', () => {
  const { clock, emittedMs, throttle } = counted();
  throttle.ring('none');
  clock.advance(20);
  throttle.ring('none');
  clock.advance(5);
  throttle.ring('pods');
  expect(emittedMs).toEqual([0, 25]);
  clock.advance(1000);
  expect(emittedMs).toEqual([0, 25]);
});

test('99 steps without a pause, four news of their traffic every 20 ms, wait no longer than 10 ms', () => {
  const { clock, emittedMs, throttle } = counted();
  let worstMs = 0;
  for (let step = 0; step < 99; step++) {
    for (let news = 0; news < 4; news++) {
      const rungMs = clock.now();
      const before = emittedMs.length;
      throttle.ring('traffic');
      clock.advance(5);
      if (emittedMs.length === before) {
        clock.advance(5);
        worstMs = Math.max(worstMs, emittedMs.at(-1)! - rungMs);
      }
      expect(emittedMs.at(-1)).toBeGreaterThanOrEqual(rungMs);
    }
  }
  expect(worstMs).toBeLessThanOrEqual(10);
});

test('pods that flap do not use up what the traffic may send', () => {
  const { clock, emittedMs, throttle } = counted();
  for (let count = 0; count < 100; count++) throttle.ring('pods');
  const before = emittedMs.length;
  expect(before).toBe(1 + 40);
  throttle.ring('traffic');
  expect(emittedMs).toHaveLength(before + 1);
  expect(clock.now()).toBe(0);
});

test('a thousand pods that come and go calmly give 4 snapshots a second', () => {
  const { clock, emittedMs, throttle } = counted();
  for (let ms = 0; ms < 10_000; ms++) {
    throttle.ring('none');
    clock.advance(1);
  }
  expect(emittedMs.length).toBeLessThanOrEqual(41);
  expect(emittedMs.length).toBeGreaterThanOrEqual(40);
});

test('a thousand pods that flap give 10 a second after the burst, and no news is older than 100 ms', () => {
  const { clock, emittedMs, throttle } = counted();
  let waitingSinceMs: number | undefined;
  let worstMs = 0;
  for (let ms = 0; ms < 10_000; ms++) {
    const before = emittedMs.length;
    waitingSinceMs ??= ms;
    throttle.ring(ms % 2 === 0 ? 'pods' : 'none');
    if (emittedMs.length > before) waitingSinceMs = undefined;
    clock.advance(1);
    if (waitingSinceMs !== undefined && emittedMs.at(-1)! > waitingSinceMs) {
      worstMs = Math.max(worstMs, emittedMs.at(-1)! - waitingSinceMs);
      waitingSinceMs = undefined;
    }
  }
  expect(worstMs).toBeLessThanOrEqual(100);
  expect(emittedMs.length).toBeLessThanOrEqual(40 + 100 + 40);
  const lastSeconds = emittedMs.filter((ms) => ms >= 5000).length;
  expect(lastSeconds).toBeLessThanOrEqual(5 * (10 + 4));
});

test('a clock that is set back silences nothing', () => {
  let nowMs = 1_000_000;
  const timers: (() => void)[] = [];
  const clock = {
    now: () => nowMs,
    after: (_ms: number, callback: () => void) => (timers.push(callback), () => undefined),
  };
  let emitted = 0;
  const throttle = new Throttle(clock, () => (emitted += 1));
  throttle.ring('none');
  nowMs = 0;
  throttle.ring('pods');
  throttle.ring('none');
  for (const fire of timers) fire();
  expect(emitted).toBe(3);
});

test('a watch that has ended sends nothing more', () => {
  const { clock, emittedMs, throttle } = counted();
  throttle.ring('none');
  throttle.ring('none');
  throttle.stop();
  clock.advance(1000);
  expect(emittedMs).toEqual([0]);
});
