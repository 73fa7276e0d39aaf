import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextDelay } from '../../../src/shared/backoff.ts';

const options = { baseMs: 250, capMs: 60_000 };

test('a delay lies within [0, min(cap, base * 2^attempt)), however long the outage', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 5000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, dice) => {
        const delay = nextDelay(attempt, options, () => dice);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThan(Math.min(60_000, 250 * 2 ** Math.min(attempt, 30)) + 1);
        expect(Number.isInteger(delay)).toBe(true);
      },
    ),
  );
});

test('at the cap it still jitters over the whole range', () => {
  expect(nextDelay(100, options, () => 0)).toBe(0);
  expect(nextDelay(100, options, () => 0.5)).toBe(30_000);
});
