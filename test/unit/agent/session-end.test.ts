import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextAttempt } from '../../../src/agent/stream/session-end.ts';

const lost = { kind: 'lost', code: 'UNAVAILABLE', message: '' } as const;
const half = () => 0.5;

test('a lost session that was healthy is followed by a quick attempt, however many failures came before it', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 1000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, dice) => {
        const next = nextAttempt({ ...lost, welcomedForMs: 60_000 }, failures, () => dice);
        expect(next.delayMs).toBeLessThanOrEqual(250);
        expect(next.failures).toBe(1);
      },
    ),
  );
});

test('an outage of seconds is tried through often; one of minutes at most once a minute, still spread', () => {
  let failures = 0;
  let totalMs = 0;
  const delays: number[] = [];
  for (let attempt = 0; attempt < 30; attempt++) {
    const next = nextAttempt(lost, failures, half);
    failures = next.failures;
    totalMs += next.delayMs;
    delays.push(next.delayMs);
  }
  expect(Math.max(...delays.slice(0, 8))).toBeLessThanOrEqual(1000);
  expect(delays.at(-1)).toBe(30_000);
  expect(totalMs).toBeGreaterThan(300_000);
});

test('a session that was accepted and failed within a minute counts as a failure: a hub that is ill is not hammered', () => {
  expect(nextAttempt({ ...lost, welcomedForMs: 10 }, 12, half).failures).toBe(13);
  expect(nextAttempt({ ...lost, welcomedForMs: 59_999 }, 12, half).failures).toBe(13);
});

test('GoAway and Refused are obeyed to the millisecond, never sooner', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (dice) => {
      const away = nextAttempt({ kind: 'goAway', reason: '', afterMs: 400, spreadMs: 100 }, 3, () => dice);
      expect(away.delayMs).toBeGreaterThanOrEqual(400);
      expect(away.delayMs).toBeLessThan(500);
      const refused = { kind: 'refused', code: 'RETRY', message: '', retryAfterMs: 2000 } as const;
      expect(nextAttempt(refused, 0, () => dice).delayMs).toBeGreaterThanOrEqual(2000);
    }),
  );
});

test('what only a person can change is tried again slowly', () => {
  for (const code of ['UNAUTHENTICATED', 'PERMISSION_DENIED', 'CREDENTIAL']) {
    expect(nextAttempt({ ...lost, code }, 0, () => 0).delayMs).toBeGreaterThanOrEqual(30_000);
  }
  const version = { kind: 'refused', code: 'VERSION', message: '', retryAfterMs: 0 } as const;
  expect(nextAttempt(version, 0, () => 0).delayMs).toBeGreaterThanOrEqual(300_000);
});
