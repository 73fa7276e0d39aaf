import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Lanes } from '../../../src/agent/dispatch/lanes.ts';

/** Runs tasks of the given keys, ended one at a time in an order that `pick` chooses; returns the starts and the most at once. */
async function play(keySets: string[][], slots: number, pick: (count: number) => number) {
  const lanes = new Lanes(slots);
  const running: { at: number; end: () => void }[] = [];
  const started: number[] = [];
  let overlaps = 0;
  let most = 0;
  for (const [at, keys] of keySets.entries()) {
    lanes.add({
      keys,
      run: () => {
        overlaps += running.filter((other) => keySets[other.at]!.some((key) => keys.includes(key))).length;
        started.push(at);
        const { promise, resolve } = Promise.withResolvers<void>();
        running.push({ at, end: resolve });
        most = Math.max(most, running.length);
        return promise;
      },
    });
  }
  while (running.length > 0) {
    running.splice(pick(running.length), 1)[0]!.end();
    await new Promise(setImmediate);
  }
  return { started, overlaps, most, left: lanes.running };
}

test('every task runs once; two that share a key never at once and in order; never more than the slots; none deadlocks', async () => {
  const keySets = fc.array(fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      keySets,
      fc.integer({ min: 1, max: 4 }),
      fc.infiniteStream(fc.nat()),
      async (keys, slots, dice) => {
        const result = await play(keys, slots, (count) => Number(dice.next().value) % count);
        expect(result.started.toSorted((a, b) => a - b)).toEqual(keys.map((_, at) => at));
        expect(result.overlaps).toBe(0);
        expect(result.most).toBeLessThanOrEqual(slots);
        expect(result.left).toBe(0);
        const shares = (one: number, other: number): boolean => keys[one]!.some((key) => keys[other]!.includes(key));
        // Whoever came earlier and shares a lane must be among those that had started before.
        const overtaken = result.started.filter((at, place) =>
          keys.some(
            (_, earlier) => earlier < at && shares(earlier, at) && !result.started.slice(0, place).includes(earlier),
          ),
        );
        expect(overtaken).toEqual([]);
      },
    ),
  );
});

test('a task that is taken out lets those behind it go on', async () => {
  const lanes = new Lanes(4);
  const gate = Promise.withResolvers<void>();
  const ran: string[] = [];
  const first = { keys: ['a'], run: () => gate.promise };
  const taken = { keys: ['a', 'b'], run: async () => void ran.push('taken') };
  const behind = { keys: ['b'], run: async () => void ran.push('behind') };
  expect(lanes.add(first)).toBe(true);
  expect(lanes.add(taken)).toBe(false);
  expect(lanes.add(behind)).toBe(false);
  expect(lanes.remove(taken)).toBe(true);
  expect(lanes.remove(first)).toBe(false);
  gate.resolve();
  await new Promise(setImmediate);
  expect(ran).toEqual(['behind']);
});

test('a task that leaves its lanes lets the next begin, and keeps its slot until it ends', async () => {
  const lanes = new Lanes(2);
  const order: string[] = [];
  const end = Promise.withResolvers<void>();
  lanes.add({
    keys: ['a'],
    run: async (leave) => {
      order.push('first');
      leave();
      await end.promise;
      order.push('first ended');
    },
  });
  for (const name of ['second', 'third']) {
    lanes.add({
      keys: ['a'],
      run: () => {
        order.push(name);
        return Promise.resolve();
      },
    });
  }
  await new Promise(setImmediate);
  expect(order).toEqual(['first', 'second', 'third']);
  expect(lanes.running).toBe(1);
  end.resolve();
  await new Promise(setImmediate);
  expect(lanes.running).toBe(0);
});
