import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextAttempt as next } from '../../../src/agent/stream/session-end.ts';
import type { SessionEnd } from '../../../src/agent/stream/session-end.ts';

const lost = { kind: 'lost', code: 'UNAVAILABLE', message: '' } as const;
const half = () => 0.5;
const nextAttempt = (end: SessionEnd, failures: number, random: () => number) =>
  next(end, failures, random, { mostMs: 60_000, isUrgent: false });

test('a lost session that was healthy is followed by a quick attempt, however many failures came before it', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 1000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, dice) => {
        const after = nextAttempt({ ...lost, welcomedForMs: 60_000 }, failures, () => dice);
        expect(after.delayMs).toBeLessThanOrEqual(250);
        expect(after.failures).toBe(1);
      },
    ),
  );
});

test('an outage of seconds is tried through often; one of minutes at most once a minute, still spread', () => {
  let failures = 0;
  let totalMs = 0;
  const delays: number[] = [];
  for (let attempt = 0; attempt < 30; attempt++) {
    const after = nextAttempt(lost, failures, half);
    failures = after.failures;
    totalMs += after.delayMs;
    delays.push(after.delayMs);
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

test('no wait of its own choosing is longer than the longest it was given', () => {
  for (let failures = 0; failures < 40; failures++) {
    expect(next(lost, failures, () => 0.999, { mostMs: 300, isUrgent: false }).delayMs).toBeLessThan(300);
  }
});

test('with a rollout under way the first seconds are tried through more often, and a long outage no more than else', () => {
  const totalMs = (isUrgent: boolean, attempts: number): number => {
    let sum = 0;
    for (let failures = 0; failures < attempts; failures++) {
      sum += next(lost, failures, half, { mostMs: 60_000, isUrgent }).delayMs;
    }
    return sum;
  };
  expect(totalMs(true, 6)).toBeLessThan(totalMs(false, 6) / 2);
  expect(next(lost, 30, half, { mostMs: 60_000, isUrgent: true }).delayMs).toBe(30_000);
});
