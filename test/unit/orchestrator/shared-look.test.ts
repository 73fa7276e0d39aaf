/** However many ask, the database is asked once. */

import { expect, test } from 'vitest';
import { sharedLook } from '../../../src/orchestrator/metrics/shared-look.ts';

test('who asks while one looks, or soon after, gets its answer; a failure is not kept', async () => {
  let nowMs = 0;
  let looks = 0;
  let fails = false;
  const look = sharedLook(
    () => (fails ? Promise.reject(new Error('gone')) : Promise.resolve(++looks)),
    { now: () => nowMs },
    1_000,
  );
  expect(await Promise.all([look(), look(), look()])).toEqual([1, 1, 1]);
  nowMs = 999;
  expect(await look()).toBe(1);
  nowMs = 1_000;
  expect(await look()).toBe(2);
  fails = true;
  nowMs = 2_000;
  await expect(look()).rejects.toThrow('gone');
  fails = false;
  expect(await look()).toBe(3);
  // A clock that was set back does not keep an answer for ever.
  nowMs = -50_000;
  expect(await look()).toBe(4);
});
