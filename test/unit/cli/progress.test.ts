import { describe, expect, it } from 'vitest';
import { readContext } from '../../../src/cli/context-variables.ts';
import { EXIT, exitCodeOf } from '../../../src/cli/exit-code.ts';
import { parseBlock, type StreamedRollout } from '../../../src/cli/follow.ts';
import { ago, table } from '../../../src/cli/output.ts';
import { cut, eventLine, rolloutLines } from '../../../src/cli/progress.ts';

const event = {
  id: 1,
  rolloutId: 'dep_1:staging',
  kind: 'rollout.weight',
  message: '10 % of web goes to the canary',
  detail: null,
  at: '2026-01-02T09:41:07.500Z',
};

const rollout: StreamedRollout = {
  id: 'dep_1:staging',
  target: 'staging',
  state: 'running',
  phase: 'step',
  step: 2,
  steps: 5,
  weight: 25,
  ready: 3,
  wanted: 3,
  reason: null,
  verdicts: [{ step: 2, verdict: 'passed', reason: 'errors is 0, within 1' }],
};

describe('progress', () => {
  it('is one line an event, with its time and target', () => {
    expect(eventLine(event)).toBe('09:41:07 staging  10 % of web goes to the canary');
    expect(eventLine({ ...event, rolloutId: null, message: 'shop: succeeded' })).toBe('09:41:07 shop: succeeded');
  });

  it('shows the log of a job below its line', () => {
    expect(eventLine({ ...event, kind: 'job.log', message: 'ok 1\nok 2' }).split('\n')).toEqual([
      '09:41:07 staging  log of the job:',
      '             ok 1',
      '             ok 2',
    ]);
  });

  it('shows step, weight, ready pods and the last verdict of a target', () => {
    expect(rolloutLines(rollout, 200)).toEqual([
      '● staging  step 2 of 5  █████░░░░░░░░░░░░░░░ 25 %  3/3 pods ready',
      '    passed: errors is 0, within 1',
    ]);
  });

  it('lets nobody else paint in the terminal', () => {
    const message = '\u001B[31mred\u001B[0m\rover\u001B]0;title\u0007';
    expect(eventLine({ ...event, message })).toBe('09:41:07 staging  red over ]0;title ');
    expect(rolloutLines({ ...rollout, reason: 'one\ntwo' }, 200).at(-1)).toBe('    one two');
  });

  it('never wraps, since it is drawn over', () => {
    expect(cut('abcdef', 4)).toBe('abc…');
    for (const line of rolloutLines({ ...rollout, reason: 'x'.repeat(300) }, 40))
      expect(line.length).toBeLessThanOrEqual(40);
  });
});

describe('the stream', () => {
  it('is read as it is written, comments left out', () => {
    expect(parseBlock(`id: 1\nevent: event\ndata: ${JSON.stringify(event)}`)).toEqual({ kind: 'event', event });
    expect(parseBlock(': beat')).toBeUndefined();
  });
});

describe('exit codes', () => {
  it('tell every outcome from every other', () => {
    const codes = ['succeeded', 'rolledBack', 'aborted', 'failed'].map(exitCodeOf);
    expect(codes).toEqual([0, 4, 5, 6]);
    expect(new Set(Object.values(EXIT)).size).toBe(Object.values(EXIT).length);
  });
});

describe('small things', () => {
  it('context comes as pairs, several at once, values with = in them', () => {
    expect(readContext(['a=1,b=x=y', 'c='])).toEqual({ a: '1', b: 'x=y', c: '' });
    expect(() => readContext(['nope'])).toThrow(/--add-context nope: must be KEY=VALUE/);
  });

  it('tables align, times are told as people do', () => {
    expect(
      table([
        ['A', 'BB'],
        ['ccc', 'd'],
      ]),
    ).toBe('A    BB\nccc  d');
    expect(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:05:10Z'))).toBe('5 min ago');
    expect(ago(null, 0)).toBe('-');
  });
});
