/** A thousand reconnects leave nothing behind, in agent and hub: each is a process of its own, looked at after a collection. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { reconnect } from '../support/reconnects.ts';

const COUNT = 1000;
/** A leak of 5 KB each would be twice this. */
const HEAP_BYTES = (COUNT * 5_000) / 2;
/** The agent's pool to the API server may hold some more that are idle, for 75 s. */
const DESCRIPTORS = 8;

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
});

afterAll(async () => plane?.stop());

test('memory and descriptors of agent and hub are flat over 1,000 reconnects', { timeout: 1_200_000 }, async () => {
  const { looks, tookMs } = await reconnect(plane, COUNT, [0, COUNT]);
  const [before, after] = looks;
  const sorted = tookMs.toSorted((one, other) => one - other);
  process.stdout.write(
    `${COUNT} reconnects, each p50 ${sorted[COUNT / 2]?.toFixed(0)} ms, p99 ${sorted[COUNT * 0.99]?.toFixed(0)} ms\n`,
  );
  expect(sorted).toHaveLength(COUNT);
  for (const side of ['agent', 'hub'] as const) {
    const [first, last] = [before?.[side], after?.[side]];
    if (first === undefined || last === undefined) throw new Error('It was not looked at twice.');
    const kib = (bytes: number): string => (bytes / 1024).toFixed(0);
    process.stdout.write(
      `${side}: heap ${kib(first.heapUsed)} -> ${kib(last.heapUsed)} KiB, outside of it ${kib(first.external)} -> ` +
        `${kib(last.external)} KiB, resident ${kib(first.rss)} -> ${kib(last.rss)} KiB, ` +
        `descriptors ${first.descriptors} -> ${last.descriptors}\n`,
    );
    expect(last.heapUsed - first.heapUsed).toBeLessThan(HEAP_BYTES);
    expect(last.external - first.external).toBeLessThan(HEAP_BYTES);
    expect(last.descriptors - first.descriptors).toBeLessThanOrEqual(DESCRIPTORS);
  }
});
