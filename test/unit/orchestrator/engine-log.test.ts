import { expect, test } from 'vitest';
import { engineLog } from '../../../src/orchestrator/engine/engine-log.ts';
import { createLog } from '../../../src/shared/log.ts';

test("the engine's trouble is told once a minute for the same words, its loops not at all", () => {
  const lines: Record<string, string>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, string>) };
  let nowMs = 0;
  const log = engineLog(createLog({ name: 'test', format: 'json', level: 'info', destination }), () => nowMs);
  log.debug('a turn');
  log.info('launched');
  for (let connection = 0; connection < 10; connection++) log.warn(new Error('Unexpected error in pool'));
  log.error('it broke');
  nowMs = 60_000;
  log.warn(new Error('Unexpected error in pool'));
  expect(lines.map(({ level, msg, what }) => `${level} ${msg}: ${what}`)).toEqual([
    'warn engine warns: Error: Unexpected error in pool',
    'error engine failed at something: it broke',
    'warn engine warns: Error: Unexpected error in pool',
  ]);
});
