/** What the hub grants, and when an old connection goes: pure decisions. */

import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { HUB_LIMITS } from '../../../src/orchestrator/hub/hub-limits.ts';
import { rotation, sessionAge } from '../../../src/orchestrator/hub/rotation.ts';
import { draw, grant } from '../../../src/shared/token-bucket.ts';
import type { Bucket } from '../../../src/shared/token-bucket.ts';

const RULE = { perSecond: 10, burst: 5 };

describe('a bucket', () => {
  it('never gives more than burst and rate allow, however it is asked, and gives that', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 });
    fc.assert(
      fc.property(gaps, (times) => {
        let bucket: Bucket | undefined;
        let nowMs = 0;
        let taken = 0;
        for (const gapMs of times) {
          nowMs += gapMs;
          const next = draw(bucket, RULE, nowMs);
          bucket = next.bucket;
          if (next.waitMs === 0) taken++;
          expect(taken).toBeLessThanOrEqual(RULE.burst + (nowMs / 1000) * RULE.perSecond + 1e-6);
          const isTrue = next.waitMs === 0 || draw(bucket, RULE, nowMs + next.waitMs).waitMs === 0;
          expect(isTrue, 'the wait that was named is enough').toBe(true);
        }
        const least = Math.min(times.length, RULE.burst);
        expect(taken).toBeGreaterThanOrEqual(least);
      }),
    );
  });

  it('takes no harm from a clock that is set back', () => {
    const { bucket } = draw(undefined, RULE, 10_000);
    expect(draw(bucket, RULE, 0)).toEqual({ bucket: { tokens: 3, atMs: 0 }, waitMs: 0 });
  });

  it('lets an agent answer thousands of operations a second: each that is sent brings its share', () => {
    const { messages: rule, messagesPerOperation } = HUB_LIMITS;
    let bucket: Bucket | undefined;
    let longestWaitMs = 0;
    for (let operation = 0; operation < 50_000; operation++) {
      const nowMs = operation / 5; // 5,000 a second
      bucket = grant(bucket, rule, nowMs, messagesPerOperation);
      for (let message = 0; message < 4; message++) {
        const next = draw(bucket, rule, nowMs);
        longestWaitMs = Math.max(longestWaitMs, next.waitMs);
        bucket = next.bucket;
      }
    }
    expect(longestWaitMs).toBe(0);
  });
});

describe('a connection that has become old', () => {
  const limits = { ...HUB_LIMITS, rotationPatienceMs: 300, rotationDrainMs: 30 };
  const facts = { dueMs: 1_000, inFlight: 2 };

  test.each([
    ['is left alone before its time', facts, 400, { kind: 'stay', againInMs: 600 }],
    ['goes at once when its agent has nothing to do', { ...facts, inFlight: 0 }, 1_000, { kind: 'go' }],
    ['waits for such a moment', facts, 1_100, { kind: 'stay', againInMs: 200 }],
    ['is given no more operations when there is none for long', facts, 1_300, { kind: 'drain', againInMs: 30 }],
    ['goes while draining as soon as they have ended', { ...facts, inFlight: 0 }, 1_310, { kind: 'go' }],
    ['goes in the end', facts, 1_330, { kind: 'go' }],
  ] as const)('%s', (_what, given, nowMs, expected) => {
    expect(rotation(given, limits, nowMs)).toEqual(expected);
  });

  it('is 36 to 54 minutes old', () => {
    const minutes = (random: number): number => sessionAge(HUB_LIMITS, () => random) / 60_000;
    expect([minutes(0), minutes(0.5), minutes(0.9999)].map(Math.round)).toEqual([36, 45, 54]);
  });
});
