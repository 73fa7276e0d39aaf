/** One look for all who ask in the same moment: what is open to everybody must not cost the database more than one scraper does. */

import type { Clock } from '../../shared/clock.ts';

/**
 * @param look made at most once at a time, and once in `forMs`; who asks in between gets its answer.
 * @param forMs milliseconds.
 */
export function sharedLook<T>(look: () => Promise<T>, clock: Pick<Clock, 'now'>, forMs: number): () => Promise<T> {
  let last: { atMs: number; answer: Promise<T> } | undefined;
  return () => {
    const nowMs = clock.now();
    if (last === undefined || Math.abs(nowMs - last.atMs) >= forMs) {
      const mine = { atMs: nowMs, answer: look() };
      last = mine;
      // One that failed is nobody's answer but of those who wait for it.
      mine.answer.catch(() => {
        if (last === mine) last = undefined;
      });
    }
    return last.answer;
  };
}
