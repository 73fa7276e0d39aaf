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

test('what is secret by its form is struck out wherever it stands, and the line stays JSON', () => {
  const written = (format: 'json' | 'pretty'): string[] => {
    const { lines, log } = collect(format);
    const pem = '-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----\n';
    const texts = [
      'connect to postgresql://sluice:planted@db.example/sluice failed',
      'http://me:plan%2Fted@planted@proxy:3128 refused "http://planted@host/"',
      'sent Authorization: Bearer planted.planted-planted and Basic cGxhbnRlZDpwbGFudGVk',
      `the token sluice_${'planted'.repeat(6)} and sluice-join-${'planted'.repeat(6)}`,
      pem,
    ];
    for (const reason of texts) log.info({ reason, err: new Error(reason) }, 'agent refused');
    return lines;
  };
  for (const line of written('json')) expect(JSON.parse(line)).toMatchObject({ msg: 'agent refused' });
  for (const format of ['json', 'pretty'] as const) {
    const all = written(format).join('');
    expect(all).not.toMatch(/planted|plan%2F|cGxhbnRlZ/);
    for (const kept of ['db.example/sluice', 'proxy:3128', 'Bearer ***', 'Basic ***', '***@host']) {
      expect(all).toContain(kept);
    }
  }
});

test('what is no secret stays: names, sentences, addresses', () => {
  const { lines, log } = collect('json');
  const reason =
    'http://prom.example:9090/a@b says sluice-orchestrator is a bearer of news; see sluice_agent, basic things';
  log.info({ reason }, 'agent refused');
  expect(JSON.parse(lines[0]!)).toMatchObject({ reason });
});
