/** Reconnects leave nothing behind, in agent and hub: each is a process of its own, looked at after a collection. `npm run soak`: a thousand. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { figures, isLong } from '../support/long-run.ts';
import { reconnect } from '../support/reconnects.ts';

const COUNT = isLong ? 1000 : 400;
/** A leak of 5 KB each would be twice this. */
const HEAP_BYTES = (COUNT * 5_000) / 2;
/** The agent's pool to the API server may hold some more that are idle, for 75 s. */
const DESCRIPTORS = 8;

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
});

afterAll(async () => plane?.stop());

test(`memory and descriptors of agent and hub are flat over ${COUNT} reconnects`, { timeout: 1_200_000 }, async () => {
  const { looks, tookMs } = await reconnect(plane, COUNT, [0, COUNT]);
  const [before, after] = looks;
  const sorted = tookMs.toSorted((one, other) => one - other);
  const quantile = (share: number): number => Math.round(sorted[COUNT * share] ?? Number.NaN);
  figures('link-endurance', { reconnects: COUNT, p50Ms: quantile(0.5), p99Ms: quantile(0.99), before, after });
  expect(sorted).toHaveLength(COUNT);
  for (const side of ['agent', 'hub'] as const) {
    const [first, last] = [before?.[side], after?.[side]];
    if (first === undefined || last === undefined) throw new Error('It was not looked at twice.');
    expect(last.heapUsed - first.heapUsed).toBeLessThan(HEAP_BYTES);
    expect(last.external - first.external).toBeLessThan(HEAP_BYTES);
    expect(last.descriptors - first.descriptors).toBeLessThanOrEqual(DESCRIPTORS);
  }
});
