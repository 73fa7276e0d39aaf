import { expect, test } from 'vitest';
import { createLog } from '../../../src/shared/log.ts';

function collect(format: 'json' | 'pretty') {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, log: createLog({ name: 'test', format, level: 'info', destination }) };
}

test('an error is logged as code and message: the headers that clients hang on errors stay out', () => {
  const { lines, log } = collect('json');
  const err = Object.assign(new Error('refused'), {
    code: 'E1',
    config: { headers: { authorization: 'Bearer hunter2' } },
  });
  const careless = { err, token: 'hunter2', credential: { key: 'hunter2' } };
  log.info(careless, 'call failed');
  expect(lines.join('')).not.toContain('hunter2');
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: 'info',
    msg: 'call failed',
    err: { code: 'E1', message: 'refused' },
  });
});

test('the readable form is one line with the same facts', () => {
  const { lines, log } = collect('pretty');
  log.child({ account: 'north' }).warn({ reason: 'a b' }, 'session ended');
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}session ended account=north reason="a b"\n$/);
});
