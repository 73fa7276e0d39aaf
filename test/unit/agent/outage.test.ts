import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Diagnosis } from '../../../src/agent/stream/cause.ts';
import { Outage } from '../../../src/agent/stream/outage.ts';
import type { Trouble } from '../../../src/agent/stream/outage.ts';
import type { SessionEnd } from '../../../src/agent/stream/session-end.ts';
import { createLog } from '../../../src/shared/log.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const refused: Diagnosis = { cause: 'tcp', code: 'REFUSED', detail: 'nothing listens.', hint: 'start it' };
const expired: Diagnosis = { cause: 'tls', code: 'EXPIRED', detail: 'it is over.', hint: 'renew it' };
const lost = (message: string): SessionEnd => ({ kind: 'lost', code: 'UNAVAILABLE', message });

/** An outage whose way is looked at as `answers` say, one after the other, the last one again and again. */
function world(...answers: (Diagnosis | undefined | (() => Promise<Diagnosis>))[]) {
  const clock = new ManualClock();
  const lines: Record<string, unknown>[] = [];
  const troubles: Trouble[] = [];
  let probes = 0;
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  const outage = new Outage({
    log: createLog({ name: 'test', format: 'json', level: 'debug', destination }),
    now: () => clock.now(),
    diagnose: async () => {
      const answer = answers[Math.min(probes++, answers.length - 1)];
      return typeof answer === 'function' ? answer() : answer;
    },
    onTrouble: (trouble) => void troubles.push(trouble),
  });
  return {
    clock,
    troubles,
    outage,
    probes: () => probes,
    said: () =>
      lines.filter(({ level }) => level !== 'debug').map(({ level, msg, code }) => [level, msg, code].join(' ')),
    lines,
    fails: async (end: SessionEnd, delayMs = 100): Promise<void> => {
      outage.ended(end, delayMs);
      await turn();
      clock.advance(delayMs);
    },
  };
}

test('many attempts with one cause are one warning and one look at the way; numbers in the message are no news', async () => {
  const { fails, said, probes, lines } = world(refused);
  for (let attempt = 0; attempt < 20; attempt++) await fails(lost(`connect ECONNREFUSED 10.0.0.1:${4000 + attempt}`));
  expect(said()).toEqual(['warn cannot connect REFUSED']);
  expect(probes()).toBe(1);
  expect(lines[0]).toMatchObject({
    cause: 'tcp',
    message: 'nothing listens.',
    hint: 'start it',
    attempt: 1,
    next_retry_ms: 100,
  });
  expect(lines.filter(({ level, msg }) => level === 'debug' && msg === 'attempt failed')).toHaveLength(19);
});

test('what looks the same is looked at again after a minute: the same cause is no news, another one is', async () => {
  const { fails, said, probes } = world(refused, refused, expired);
  for (let attempt = 0; attempt < 5; attempt++) await fails(lost('no connection'), 30_000);
  expect(probes()).toBe(3);
  expect(said()).toEqual(['warn cannot connect REFUSED', 'warn cannot connect EXPIRED']);
});

test('another failure is looked at at once; a cause that comes back is told again', async () => {
  const { fails, said } = world(refused, expired, refused);
  for (const message of ['refused', 'certificate has expired', 'refused']) await fails(lost(message));
  expect(said()).toEqual(['warn cannot connect REFUSED', 'warn cannot connect EXPIRED', 'warn cannot connect REFUSED']);
});

test('where the way is open, what the orchestrator said is the cause, and a look that fails is none', async () => {
  const { fails, said, probes } = world(undefined, () => Promise.reject(new Error('no credential')));
  await fails({ kind: 'lost', code: 'NO_WELCOME', message: 'It did not answer.' });
  await fails(lost('the database is away'));
  expect(said()).toEqual(['warn cannot connect NO_WELCOME', 'warn cannot connect UNAVAILABLE']);
  expect(probes()).toBe(2);
});

test('what somebody answered is told without a look at the way, once', async () => {
  const { fails, said, probes, troubles } = world(refused);
  for (let attempt = 0; attempt < 3; attempt++) {
    await fails({ kind: 'refused', code: 'VERSION', message: 'too old.', retryAfterMs: 0 });
  }
  expect(said()).toEqual(['warn cannot connect VERSION']);
  expect(probes()).toBe(0);
  expect(troubles.at(-1)).toMatchObject({ cause: 'version', message: 'too old.' });
});

test('a session that begins ends the outage: how long, how many attempts; a look that is not done says nothing any more', async () => {
  const { promise, resolve } = Promise.withResolvers<Diagnosis>();
  const { fails, said, outage, clock } = world(refused, () => promise, refused);
  expect(outage.over()).toBeUndefined();
  await fails({ kind: 'lost', code: 'UNAVAILABLE', message: 'Connection dropped', welcomedForMs: 5000 }, 200);
  await fails(lost('refused'), 300);
  await fails(lost('something else'), 500);
  expect(outage.over()).toEqual({ away_ms: 1000, attempts: 3 });
  resolve(expired);
  await turn();
  clock.advance(1000);
  await fails(lost('refused'));
  expect(said()).toEqual([
    'warn session ended UNAVAILABLE',
    'warn cannot connect REFUSED',
    'warn cannot connect REFUSED',
  ]);
});

test('an end that was planned is no warning', async () => {
  const { fails, said, probes } = world(refused);
  await fails({ kind: 'goAway', reason: 'rotation', afterMs: 0, spreadMs: 0, welcomedForMs: 5000 });
  expect(said()).toEqual(['info session ended ']);
  expect(probes()).toBe(0);
});

test('an attempt that has no answer has its way looked at before it fails: one warning for both, and none where the way is open', async () => {
  const { outage, said, fails } = world(refused, refused, undefined);
  outage.slow();
  await turn();
  outage.slow();
  expect(said()).toEqual(['warn cannot connect REFUSED']);
  await fails({ kind: 'lost', code: 'NO_WELCOME', message: 'It did not answer.' });
  expect(said()).toHaveLength(1);
  outage.slow();
  await turn();
  expect(said()).toHaveLength(1);
});
