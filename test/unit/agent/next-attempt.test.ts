/** When an agent tries again: time and chance are the test's, and every failure names the seed. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextAttempt } from '../../../src/agent/stream/next-attempt.ts';
import type { Circumstances, Losses } from '../../../src/agent/stream/next-attempt.ts';
import type { SessionEnd } from '../../../src/agent/stream/session-end.ts';
import { seededDice } from '../../support/faults/seeded.ts';
import { seed } from '../../support/seed.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const LIMIT_MS = MINUTE_MS;

const lost = { kind: 'lost', code: 'UNAVAILABLE', message: '' } as const;
const lostAfter = (welcomedForMs: number): SessionEnd => ({ ...lost, welcomedForMs });
const refused = (retryAfterMs: number, code = 'RETRY') =>
  ({ kind: 'refused', code, message: '', retryAfterMs }) as const;
const goAway = (afterMs: number, spreadMs: number) => ({ kind: 'goAway', reason: '', afterMs, spreadMs }) as const;
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const half = () => 0.5;

/** An agent that is told how each attempt ended, on a clock that only its waits and `pass` move. */
class Agent {
  nowMs = 0;
  readonly #dice = seededDice(seed);
  readonly #options: Partial<Circumstances>;
  #losses: Losses | undefined;

  constructor(options: Partial<Circumstances> = {}) {
    this.#options = options;
  }

  pass(ms: number): void {
    this.nowMs += ms;
  }

  /** @returns how long it waits, which it has done then. */
  ended(end: SessionEnd): number {
    const circumstances = { random: () => this.#dice.next(), mostMs: LIMIT_MS, isUrgent: false, ...this.#options };
    const next = nextAttempt(end, this.#losses, { ...circumstances, nowMs: this.nowMs });
    this.#losses = next.losses;
    this.pass(next.delayMs);
    return next.delayMs;
  }

  /** Loses attempts for so long. @returns their waits. */
  isAlone(ms: number, end: SessionEnd = lost): number[] {
    const delays: number[] = [];
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs;) delays.push(this.ended(end));
    return delays;
  }
}

describe(`of losses (seed ${seed})`, () => {
  test('an orchestrator killed every 35 s for ten minutes is found within a second each time', () => {
    for (const isUrgent of [false, true]) {
      const agent = new Agent({ isUrgent });
      for (let kill = 0; kill * 35 * SECOND_MS < 10 * MINUTE_MS; kill++) {
        const killedMs = agent.nowMs;
        const first = agent.ended(lostAfter(32 * SECOND_MS));
        const delays = [first, ...agent.isAlone(2 * SECOND_MS)];
        expect(Math.min(...delays)).toBeGreaterThanOrEqual(200);
        expect(Math.max(...delays)).toBeLessThanOrEqual(isUrgent ? 400 : SECOND_MS);
        agent.pass(killedMs + 35 * SECOND_MS - agent.nowMs);
      }
    }
  });

  test('the end of a healthy session is followed by a quick attempt, whatever came before it', () => {
    const before = fc.record({
      quickUntilMs: fc.integer({ min: -MINUTE_MS, max: MINUTE_MS }),
      failures: fc.nat({ max: 1000 }),
    });
    fc.assert(
      fc.property(before, chance, fc.integer({ min: 10 * SECOND_MS }), (losses, dice, livedMs) => {
        const now = { nowMs: 0, random: () => dice, mostMs: LIMIT_MS, isUrgent: false };
        const next = nextAttempt(lostAfter(livedMs), losses, now);
        expect(next.delayMs).toBeGreaterThanOrEqual(200);
        expect(next.delayMs).toBeLessThanOrEqual(SECOND_MS);
        expect(next.losses).toEqual({ quickUntilMs: 30 * SECOND_MS, failures: 0 });
      }),
    );
  });

  test('an orchestrator that is away for long is tried through for half a minute, and at last once a minute, still spread', () => {
    const agent = new Agent();
    agent.ended(lostAfter(MINUTE_MS));
    const quick = agent.isAlone(29 * SECOND_MS - agent.nowMs);
    expect(Math.max(...quick)).toBeLessThanOrEqual(SECOND_MS);
    expect(quick.length).toBeGreaterThan(29);
    agent.isAlone(10 * MINUTE_MS);
    const slow = agent.isAlone(600 * MINUTE_MS);
    expect(Math.max(...slow)).toBeGreaterThan(0.95 * LIMIT_MS);
    expect(Math.max(...slow)).toBeLessThan(LIMIT_MS);
    const meanMs = slow.reduce((sum, delayMs) => sum + delayMs, 0) / slow.length;
    expect(meanMs / LIMIT_MS).toBeCloseTo(0.5, 1);
  });

  test('the start of an agent counts as a loss: it waits for an orchestrator that starts with it', () => {
    expect(Math.max(...new Agent().isAlone(29 * SECOND_MS))).toBeLessThanOrEqual(SECOND_MS);
  });

  test('sessions lost 2 s after each Welcome are tried again within a second for half a minute, then ever less often', () => {
    const ends = [lostAfter(2 * SECOND_MS), { ...goAway(0, 500), welcomedForMs: 2 * SECOND_MS }];
    for (const end of ends) {
      const agent = new Agent();
      const attempts: { atMs: number; delayMs: number }[] = [];
      while (agent.nowMs < 30 * MINUTE_MS) {
        agent.pass(2 * SECOND_MS);
        attempts.push({ atMs: agent.nowMs, delayMs: agent.ended(end) });
      }
      const [first] = attempts;
      const early = attempts.filter(({ atMs }) => atMs - first!.atMs < 30 * SECOND_MS);
      expect(Math.min(...early.map(({ delayMs }) => delayMs))).toBeGreaterThanOrEqual(200);
      expect(Math.max(...early.map(({ delayMs }) => delayMs))).toBeLessThanOrEqual(SECOND_MS);
      const late = attempts.filter(({ atMs }) => atMs > 5 * MINUTE_MS);
      expect(late.length).toBeLessThan(25 * 3);
      expect(Math.max(...late.map(({ delayMs }) => delayMs))).toBeGreaterThan(LIMIT_MS / 2);
    }
  });

  test('a session that lives for 10 s after them ends the series', () => {
    const agent = new Agent();
    agent.isAlone(10 * MINUTE_MS, lostAfter(9_999));
    agent.ended(lostAfter(10_000));
    expect(Math.max(...agent.isAlone(28 * SECOND_MS))).toBeLessThanOrEqual(SECOND_MS);
  });

  test('no wait of its own choosing is longer than the longest it was given', () => {
    for (const isUrgent of [false, true]) {
      const agent = new Agent({ mostMs: 300, isUrgent });
      expect(Math.max(...agent.isAlone(2 * MINUTE_MS))).toBeLessThanOrEqual(300);
    }
  });

  test('with a rollout under way attempts are more frequent for half a minute, and no more frequent after it', () => {
    const count = (isUrgent: boolean, ms: number): number => new Agent({ isUrgent }).isAlone(ms).length;
    expect(count(true, 29 * SECOND_MS)).toBeGreaterThan(1.8 * count(false, 29 * SECOND_MS));
    const agent = new Agent({ isUrgent: true, random: half });
    agent.isAlone(10 * MINUTE_MS);
    expect(agent.ended(lost)).toBe(LIMIT_MS / 2);
  });
});

describe('of what the hub asks for', () => {
  test('GoAway and Refused are obeyed to the millisecond, never sooner, at any time of an outage', () => {
    fc.assert(
      fc.property(chance, fc.nat({ max: 10 * MINUTE_MS }), fc.nat({ max: 50 }), (dice, waitMs, failures) => {
        const now = { nowMs: MINUTE_MS, random: () => dice, mostMs: LIMIT_MS, isUrgent: true };
        for (const losses of [undefined, { quickUntilMs: 0, failures }, { quickUntilMs: 2 * MINUTE_MS, failures: 0 }]) {
          const away = nextAttempt({ ...goAway(waitMs, 100), welcomedForMs: MINUTE_MS }, losses, now);
          expect(away.delayMs).toBeGreaterThanOrEqual(waitMs);
          expect(away.delayMs).toBeLessThan(waitMs + 100);
          const soon = nextAttempt({ ...goAway(waitMs, 100), welcomedForMs: 0 }, losses, now);
          expect(soon.delayMs).toBeGreaterThanOrEqual(waitMs);
          const turned = nextAttempt(refused(waitMs + 1), losses, now);
          expect(turned.delayMs).toBeGreaterThanOrEqual(waitMs + 1);
          expect(turned.delayMs).toBeLessThanOrEqual((waitMs + 1) * 1.25);
        }
      }),
    );
  });

  test('a wait it was asked for uses none of the half minute, and gives none back', () => {
    const agent = new Agent();
    agent.ended({ ...goAway(20 * SECOND_MS, 10 * SECOND_MS), welcomedForMs: MINUTE_MS });
    for (let time = 0; time < 5; time++) agent.ended(refused(10 * SECOND_MS));
    expect(Math.max(...agent.isAlone(29 * SECOND_MS))).toBeLessThanOrEqual(SECOND_MS);
    agent.isAlone(2 * SECOND_MS);
    const slowly: number[] = [];
    for (let time = 0; time < 20; time++) {
      agent.ended(refused(10 * SECOND_MS));
      slowly.push(agent.ended(lost));
    }
    expect(Math.max(...slowly), 'a refusal does not begin it again').toBeGreaterThan(LIMIT_MS / 2);
  });

  test('what only a person can change is tried again slowly', () => {
    const now = { nowMs: 0, random: () => 0, mostMs: LIMIT_MS, isUrgent: true };
    for (const code of ['UNAUTHENTICATED', 'PERMISSION_DENIED', 'CREDENTIAL']) {
      expect(nextAttempt({ ...lost, code }, undefined, now).delayMs).toBeGreaterThanOrEqual(30_000);
    }
    expect(nextAttempt(refused(0, 'VERSION'), undefined, now).delayMs).toBeGreaterThanOrEqual(300_000);
  });

  test('a refusal without a time is tried again by its own rule', () => {
    expect(Math.max(...new Agent().isAlone(29 * SECOND_MS, refused(0)))).toBeLessThanOrEqual(SECOND_MS);
  });
});
