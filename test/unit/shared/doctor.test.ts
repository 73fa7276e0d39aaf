/** What doctors have in common: the report, dates, clocks, and how the programs are asked for it. */

import { describe, expect, test } from 'vitest';
import { checksAsJson, fail, isWell, ok, showChecks, warn } from '../../../src/shared/check.ts';
import { judgeValidity } from '../../../src/shared/judge-certificate.ts';
import { judgeClock } from '../../../src/shared/judge-clock.ts';
import { readArguments } from '../../../src/shared/program-arguments.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

test('the report has a line for each check, what to do below it, and the sum', () => {
  const checks = [ok('a', 'dns', 'found'), warn('b', 'clock', 'off', 'set it'), fail('c', 'disk', 'full', 'make room')];
  expect(showChecks(checks).split('\n')).toEqual([
    'ok    dns    found',
    'warn  clock  off',
    '             -> set it',
    'fail  disk   full',
    '             -> make room',
    '1 ok, 1 to look at, 1 failed',
  ]);
  expect(JSON.parse(checksAsJson(checks))).toMatchObject({ ok: false, checks: [{ id: 'a', state: 'ok' }, {}, {}] });
});

test('a warning fails nothing', () => {
  expect([isWell([]), isWell([warn('a', 'a', '', 'b')]), isWell([fail('a', 'a', '', 'b')])]).toEqual([
    true,
    true,
    false,
  ]);
});

describe('a certificate', () => {
  const nowMs = Date.UTC(2026, 10, 24, 12);
  const words = { id: 'c', title: 'c', what: 'the certificate', renew: 'renew it', warnBelowMs: 7 * DAY };
  test.each([
    ['valid for long', nowMs - DAY, nowMs + 30 * DAY, 'ok', 'is valid until 2026-12-24'],
    ['near its end', nowMs - DAY, nowMs + 2 * DAY, 'warn', 'expires in 2 days, on 2026-11-26 12:00 UTC'],
    ['over', nowMs - 9 * DAY, nowMs, 'fail', 'expired on 2026-11-24 12:00 UTC'],
    ['not begun', nowMs + 10 * MINUTE, nowMs + DAY, 'fail', 'is not valid before 2026-11-24 12:10 UTC'],
  ])('%s', (_what, validFromMs, validToMs, state, said) => {
    const check = judgeValidity({ validFromMs, validToMs }, nowMs, words);
    expect(check).toMatchObject({ state, detail: `the certificate ${said}` });
    expect(check.hint === '').toBe(state === 'ok');
  });
});

test.each([
  [0, 'ok', 'within 1 s of'],
  [-30_000, 'ok', 'within 30 s of'],
  [31_000, 'warn', '31 s ahead of'],
  [-10 * MINUTE, 'warn', '10 min behind'],
  [60 * MINUTE, 'fail', '60 min ahead of'],
  [-61 * MINUTE, 'fail', '61 min behind'],
])('a clock that is %i ms ahead is %s', (aheadMs, state, said) => {
  const check = judgeClock(aheadMs, "the orchestrator's");
  expect(check.state).toBe(state);
  expect(check.detail).toContain(said);
});

test('a program runs, or is asked to look at itself', () => {
  expect(readArguments([])).toEqual({ command: 'run' });
  expect(readArguments(['--log-format', 'pretty', '--log-level=debug'])).toEqual({
    command: 'run',
    settings: { SLUICE_LOG_FORMAT: 'pretty', SLUICE_LOG_LEVEL: 'debug' },
  });
  expect(readArguments(['--until-stdin-ends'])).toEqual({ command: 'run', untilStdinEnds: true });
  expect(readArguments(['doctor'])).toEqual({ command: 'doctor', json: false });
  expect(readArguments(['doctor', '-o', 'json'])).toEqual({ command: 'doctor', json: true });
  expect(readArguments(['doctor', '--output=text'])).toEqual({ command: 'doctor', json: false });
});

test.each([[['docter']], [['doctor', 'now']], [['doctor', '--output', 'yaml']], [['--port', '1']], [['-o', 'json']]])(
  'what a program does not know it says: %j',
  (given) => {
    expect(() => readArguments(given)).toThrow(/^Wrong arguments: .*doctor/);
  },
);
