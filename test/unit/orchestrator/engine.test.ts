/** Children that are asked for together are started and collected in one order, whichever is faster. */

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Children } from '../../../src/orchestrator/engine/children.ts';

/** Notes every call that DBOS would number. Each child's start and result take as long as its input says. */
function children(calls: string[], parent: () => string | undefined = () => 'parent'): Children {
  return new Children(async (_name, id, input) => {
    calls.push(`start ${id}`);
    const [startMs, resultMs, fails] = input as [number, number, boolean?];
    await delay(startMs);
    return {
      async getResult() {
        calls.push(`result ${id}`);
        await delay(resultMs);
        if (fails) throw new Error(`${id} failed`);
        return `end of ${id}`;
      },
    };
  }, parent);
}

test.each([
  ['the first is slow', [30, 30], [0, 0]],
  ['the last is slow', [0, 0], [30, 30]],
])('when %s the order is the same', async (_what, a, b) => {
  const calls: string[] = [];
  const desk = children(calls);
  const ends = await Promise.all([desk.call('w', 'a', a), desk.call('w', 'b', b), desk.call('w', 'c', [0, 0])]);
  expect(ends).toEqual(['end of a', 'end of b', 'end of c']);
  expect(calls).toEqual(['start a', 'start b', 'start c', 'result a', 'result b', 'result c']);
});

test("one child's failure is its own", async () => {
  const desk = children([]);
  const ends = await Promise.allSettled([desk.call('w', 'a', [0, 0, true]), desk.call('w', 'b', [0, 0])]);
  expect(ends).toMatchObject([{ status: 'rejected', reason: { message: 'a failed' } }, { value: 'end of b' }]);
});

test('two parents that ask in the same moment do not wait for each other', async () => {
  const calls: string[] = [];
  let parent = 'one';
  const desk = children(calls, () => parent);
  const slow = desk.call('w', 'a', [0, 50]);
  parent = 'two';
  await desk.call('w', 'b', [0, 0]);
  expect(calls).toContain('result b');
  await slow;
});

test('outside a workflow there are no children', () => {
  expect(() => children([], () => undefined).call('w', 'a', [0, 0])).toThrow('outside a workflow');
});
