import { expect, test } from 'vitest';
import { Reclaim } from '../../../src/agent/reclaim.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('after large lists memory is given back once, when the last of them is done; after small ones never', () => {
  const clock = new ManualClock();
  let collected = 0;
  const reclaim = new Reclaim(clock, () => (collected += 1));
  for (let list = 0; list < 9; list++) reclaim.listed(100);
  clock.advance(60_000);
  expect(collected).toBe(0);
  for (let list = 0; list < 5; list++) {
    reclaim.listed(1000);
    clock.advance(1000);
  }
  expect(collected).toBe(0);
  clock.advance(60_000);
  expect(collected).toBe(1);
  reclaim.listed(10);
  clock.advance(60_000);
  expect(collected).toBe(1);
});

test('an agent that goes collects nothing', () => {
  const clock = new ManualClock();
  let collected = 0;
  const reclaim = new Reclaim(clock, () => (collected += 1));
  reclaim.listed(5000);
  reclaim.stop();
  clock.advance(60_000);
  expect(collected).toBe(0);
});

test('garbage is really collected, without a flag at the start', async () => {
  const clock = new ManualClock();
  const reclaim = new Reclaim(clock);
  let gone = false;
  const registry = new FinalizationRegistry(() => (gone = true));
  (() => registry.register({ large: Array.from({ length: 1000 }) }, undefined))();
  reclaim.listed(5000);
  await new Promise(setImmediate);
  clock.advance(60_000);
  await expect.poll(() => gone).toBe(true);
});
