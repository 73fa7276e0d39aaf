import { expect, it } from 'vitest';
import { binomialInterval } from '../../support/binomial.ts';

it('agrees with the normal approximation where that is good, and is exact where it is not', () => {
  const [low, high] = binomialInterval(10_000, 0.5, 0.999);
  expect(Math.abs(low - (5_000 - 164.5))).toBeLessThan(2);
  expect(Math.abs(high - (5_000 + 164.5))).toBeLessThan(2);
  // 3 trials at 0.5: 0 and 3 have 12.5 % each.
  expect(binomialInterval(3, 0.5, 0.7)).toEqual([1, 2]);
  expect(binomialInterval(3, 0.5, 0.8)).toEqual([0, 3]);
  expect(binomialInterval(10_000, 0, 0.999)).toEqual([0, 0]);
});
