import { expect, test } from 'vitest';
import { RefusalLog } from '../../../src/orchestrator/hub/refusal-log.ts';
import { createLog } from '../../../src/shared/log.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('a refused agent is told once for each account and cause, again after an hour, and after it got in', () => {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  const clock = new ManualClock();
  const refusals = new RefusalLog(createLog({ name: 'test', format: 'json', level: 'warn', destination }), clock);
  const revoked = { account: 'north', peer: '10.0.0.1:5', code: 'UNAUTHENTICATED', reason: 'is revoked' } as const;
  for (let attempt = 0; attempt < 5; attempt++) refusals.refused({ ...revoked, peer: `10.0.0.1:${attempt}` });
  expect(lines).toHaveLength(1);
  refusals.refused({ ...revoked, account: 'south' });
  expect(lines).toHaveLength(2);
  refusals.refused({ ...revoked, code: 'LIMIT', reason: 'comes again in 700 ms' });
  refusals.refused({ ...revoked, code: 'LIMIT', reason: 'comes again in 800 ms' });
  expect(lines).toHaveLength(3);
  clock.advance(3_600_000);
  refusals.refused({ ...revoked, code: 'LIMIT', reason: 'comes again in 900 ms' });
  expect(lines.at(-1)).toMatchObject({ account: 'north', code: 'LIMIT', attempts: 3 });
  refusals.admitted('north');
  refusals.refused({ ...revoked, code: 'LIMIT', reason: 'comes again in 900 ms' });
  expect(lines).toHaveLength(5);
  expect(lines.at(-1)).toMatchObject({ attempts: 1 });
});
