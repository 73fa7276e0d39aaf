/** Writes that are asked for together are written together, each with an outcome of its own. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Gather } from '../../../src/orchestrator/store/gather.ts';

/** Writes when it is told to; fails for negative numbers, as a statement does: as a whole. */
class Writer {
  readonly batches: number[][] = [];
  readonly gather = new Gather<number, string>(async (items) => {
    this.batches.push(items);
    await this.#gate;
    if (items.some((item) => item < 0)) throw new Error('a negative one');
    return items.map((item) => `wrote ${item}`);
  });
  #gate: Promise<void>;
  open: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.open = resolve;
  }
}

test('a lone write goes out at once; what comes while it is under way goes together', async () => {
  const writer = new Writer();
  const first = writer.gather.add(1);
  await Promise.resolve();
  expect(writer.batches).toEqual([[1]]);
  const rest = [2, 3, 4].map((item) => writer.gather.add(item));
  writer.open();
  expect(await Promise.all([first, ...rest])).toEqual(['wrote 1', 'wrote 2', 'wrote 3', 'wrote 4']);
  expect(writer.batches).toEqual([[1], [2, 3, 4]]);
});

test('each gets its own outcome, in the order of asking, and one that fails does not fail the others', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: -3, max: 500 }), { maxLength: 450 }), async (items) => {
      const writer = new Writer();
      writer.open();
      const outcomes = await Promise.allSettled(items.map((item) => writer.gather.add(item)));
      expect(outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value)).toEqual(
        items.map((item) => item >= 0 && `wrote ${item}`),
      );
      const written = writer.batches.filter((batch) => batch.every((item) => item >= 0)).flat();
      expect(written).toEqual(items.filter((item) => item >= 0));
      expect(writer.batches.every((batch) => batch.length <= 200)).toBe(true);
    }),
    { numRuns: 50 },
  );
});
