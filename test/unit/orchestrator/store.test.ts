/** Deployment ids sort by their time. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { newDeploymentId } from '../../../src/orchestrator/store/deployments.ts';

test('an earlier deployment has the smaller id', () => {
  const time = fc.integer({ min: 1_600_000_000_000, max: 4_000_000_000_000 });
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(time, time, chance, chance, (a, b, chanceA, chanceB) => {
      fc.pre(a !== b);
      expect(newDeploymentId(a, () => chanceA) < newDeploymentId(b, () => chanceB)).toBe(a < b);
    }),
  );
});

test('an id is short and needs no quoting anywhere', () => {
  expect(newDeploymentId(1_700_000_000_000, () => 0.999)).toMatch(/^dep_[0-9a-hjkmnp-tv-z]{13}$/);
});
