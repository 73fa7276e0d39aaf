/** A hub whose agents all come at once: their own rule and its hints together, on a clock and with chance of the test's. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextAttempt } from '../../../src/agent/stream/next-attempt.ts';
import type { Losses } from '../../../src/agent/stream/next-attempt.ts';
import type { SessionEnd } from '../../../src/agent/stream/session-end.ts';
import { NO_HANDSHAKES, giveTurn, knock, returnSpreadMs } from '../../../src/orchestrator/hub/handshakes.ts';
import { HUB_LIMITS } from '../../../src/orchestrator/hub/hub-limits.ts';
import { seededDice } from '../../support/faults/seeded.ts';
import { seed } from '../../support/seed.ts';

const AGENTS = 5_000;
/** One connection with TLS and its first message takes this much of the hub's processor (measured). */
const CONNECTION_MS = 1.5;
const RATE = HUB_LIMITS.handshakes.perSecond;
/** Each agent knocks once before it has a hint: that much is unavoidable, and those refused first return meanwhile. */
const WAVE_MS = 1.4 * AGENTS * CONNECTION_MS;

interface Storm {
  /** How all sessions end, at 0. */
  end: SessionEnd;
  /** The hub listens from then on. */
  listensAtMs: number;
  /** Until then it can begin no session, though it listens. */
  worksAtMs?: number;
}

interface Outcome {
  /** When the hub answered each connection. */
  answers: number[];
  /** The wait of each refusal. */
  hints: number[];
  /** Refusals of the agent that was refused most. */
  mostRefused: number;
  /** When the last agent had its session. */
  overAtMs: number;
}

/** Plays it to its end. The hub answers one connection after the other, and an agent waits for its answer. */
function play({ end, listensAtMs, worksAtMs = 0 }: Storm): Outcome {
  const dice = seededDice(seed);
  const random = (): number => dice.next();
  const timeline: (() => void)[][] = [];
  const outcome: Outcome = { answers: [], hints: [], mostRefused: 0, overAtMs: 0 };
  let handshakes = NO_HANDSHAKES;
  let busyUntilMs = 0;

  const at = (ms: number, act: () => void): void => void (timeline[Math.ceil(ms)] ??= []).push(act);

  const loses = (ended: SessionEnd, nowMs: number, losses: Losses | undefined, refusals: number): void => {
    const next = nextAttempt(ended, losses, { nowMs, random, mostMs: 60_000, isUrgent: false });
    at(nowMs + next.delayMs, () => tries(nowMs + next.delayMs, next.losses, refusals));
  };

  const tries = (nowMs: number, losses: Losses | undefined, refusals: number): void => {
    if (nowMs < listensAtMs) {
      loses({ kind: 'lost', code: 'UNAVAILABLE', message: 'ECONNREFUSED' }, nowMs, losses, refusals);
      return;
    }
    busyUntilMs = Math.max(busyUntilMs, nowMs) + CONNECTION_MS;
    at(busyUntilMs, () => answers(losses, refusals));
    outcome.answers.push(busyUntilMs);
  };

  const answers = (losses: Losses | undefined, refusals: number): void => {
    let answer = knock(handshakes, HUB_LIMITS, nowMs, random);
    if (answer.retryAfterMs === 0 && nowMs < worksAtMs) answer = giveTurn(answer.handshakes, HUB_LIMITS, nowMs, random);
    ({ handshakes } = answer);
    const { retryAfterMs } = answer;
    if (retryAfterMs === 0) {
      outcome.overAtMs = nowMs;
      return;
    }
    outcome.hints.push(retryAfterMs);
    outcome.mostRefused = Math.max(outcome.mostRefused, refusals + 1);
    loses({ kind: 'refused', code: 'RETRY', message: '', retryAfterMs }, nowMs, losses, refusals + 1);
  };

  for (let agent = 0; agent < AGENTS; agent++) loses(end, 0, undefined, 0);
  let nowMs = 0;
  for (; nowMs < timeline.length; nowMs++) for (const act of timeline[nowMs] ?? []) act();
  return outcome;
}

/** The most answers in a second that begins at or after `fromMs`. */
function busiest(answers: number[], fromMs: number): number {
  const seconds = new Map<number, number>();
  for (const atMs of answers) {
    const second = Math.floor(atMs / 1000);
    if (second * 1000 >= fromMs) seconds.set(second, (seconds.get(second) ?? 0) + 1);
  }
  return Math.max(0, ...seconds.values());
}

const killed: SessionEnd = { kind: 'lost', code: 'UNAVAILABLE', message: 'killed', welcomedForMs: 60_000 };

describe(`5,000 agents (seed ${seed})`, () => {
  test('after a kill each is refused a time or two and comes in its turn: the storm is over as fast as the hub takes agents', () => {
    const { answers, mostRefused, overAtMs } = play({ end: killed, listensAtMs: 3_000 });
    expect(answers.length).toBeLessThan(2.1 * AGENTS);
    expect(mostRefused).toBeLessThanOrEqual(2);
    expect(overAtMs - 3_000).toBeLessThan(1.4 * (AGENTS / RATE) * 1000);
    expect(busiest(answers, 3_000 + WAVE_MS)).toBeLessThan(1.3 * RATE);
  });

  test('after an orderly stop nearly all are taken at their first try', () => {
    const spreadMs = returnSpreadMs(AGENTS, HUB_LIMITS, 1_000);
    const end: SessionEnd = { kind: 'goAway', reason: '', afterMs: 500, spreadMs, welcomedForMs: 60_000 };
    const { answers, hints, mostRefused, overAtMs } = play({ end, listensAtMs: 3_000 });
    expect(hints.length).toBeLessThan(AGENTS / 10);
    expect(mostRefused).toBeLessThanOrEqual(2);
    expect(busiest(answers, 5_000)).toBeLessThan(1.3 * RATE);
    expect(overAtMs).toBeLessThan(1.4 * (AGENTS / RATE) * 1000);
  });

  test('where the hub can begin no session they keep to their turns, and do not knock faster', () => {
    const worksAtMs = 120_000;
    const { answers, overAtMs } = play({ end: killed, listensAtMs: 3_000, worksAtMs });
    expect(busiest(answers, 3_000 + WAVE_MS)).toBeLessThan(1.3 * RATE);
    expect(overAtMs - worksAtMs).toBeLessThan(1.4 * (AGENTS / RATE) * 1000);
  });
});

describe('a turn', () => {
  const limits = { handshakes: { perSecond: 10, burst: 2 }, longestTurnMs: 5_000 };

  test('grows with the agents that wait, from a second up to the longest wait, and then stays spread', () => {
    const dice = seededDice(seed);
    let handshakes = NO_HANDSHAKES;
    const waits: number[] = [];
    for (let agent = 0; agent < 100; agent++) {
      const answer = knock(handshakes, limits, 1_000_000, () => dice.next());
      ({ handshakes } = answer);
      waits.push(answer.retryAfterMs);
    }
    expect(waits.slice(0, 4)).toEqual([0, 0, 1_100, 1_200]);
    const turns = waits.slice(2, 42);
    expect(turns).toEqual(turns.map((_wait, index) => 1_100 + index * 100));
    const rest = waits.slice(42);
    expect(Math.min(...rest)).toBeGreaterThanOrEqual(2_500);
    expect(Math.max(...rest)).toBeLessThanOrEqual(5_000);
    expect(new Set(rest).size).toBeGreaterThan(50);
  });

  test('is as short as ever after a rest, and after a clock that was set back', () => {
    const busy = { bucket: { tokens: 0, atMs: 1_000_000 }, turnMs: 1_004_000 };
    expect(giveTurn(busy, limits, 1_000_000, () => 0).retryAfterMs).toBe(4_100);
    expect(giveTurn(busy, limits, 1_010_000, () => 0).retryAfterMs).toBe(1_100);
    expect(giveTurn(busy, limits, 0, () => 0).retryAfterMs).toBe(1_100);
  });

  test('is never sooner than a second, nor later than the longest wait, whatever came before', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: -20_000, max: 20_000 }), chance)), (visits) => {
        let handshakes = NO_HANDSHAKES;
        for (const [nowMs, dice] of visits) {
          const answer = giveTurn(handshakes, limits, nowMs, () => dice);
          ({ handshakes } = answer);
          expect(answer.retryAfterMs).toBeGreaterThanOrEqual(1_000);
          expect(answer.retryAfterMs).toBeLessThanOrEqual(limits.longestTurnMs);
        }
      }),
    );
  });
});

test('agents that a hub sends away come back over as long as the next needs to take them, and no longer than a turn', () => {
  expect(returnSpreadMs(3, HUB_LIMITS, 1_000)).toBe(1_000);
  expect(returnSpreadMs(5_000, HUB_LIMITS, 1_000)).toBe(31_250);
  expect(returnSpreadMs(500_000, HUB_LIMITS, 1_000)).toBe(HUB_LIMITS.longestTurnMs);
});
