import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharesOf, showPercent, TOTAL_WEIGHT } from '../../../src/orchestrator/plan/weights.ts';

describe('weights', () => {
  it('are whole, never negative and always of one total, far below what wraps in 32 bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), (hundredths) => {
        const { stable, canary } = sharesOf(hundredths / 100);
        expect(Number.isInteger(stable) && Number.isInteger(canary)).toBe(true);
        expect(Math.min(stable, canary)).toBeGreaterThanOrEqual(0);
        expect(stable + canary).toBe(TOTAL_WEIGHT);
        expect(canary).toBe(hundredths);
      }),
    );
    expect(TOTAL_WEIGHT).toBeLessThan(429_496);
  });

  it('keep a tenth of a percent', () => {
    expect(sharesOf(0.1)).toEqual({ stable: 9_990, canary: 10 });
    expect(sharesOf(0.01)).toEqual({ stable: 9_999, canary: 1 });
    expect(showPercent(0.1)).toBe('0.1 %');
  });
});
