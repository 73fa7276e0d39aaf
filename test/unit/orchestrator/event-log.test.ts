import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { startEventLog } from '../../../src/orchestrator/event-log.ts';
import type { Store } from '../../../src/orchestrator/store/store.ts';
import { createLog } from '../../../src/shared/log.ts';

test('each event of a run is one line; what an application said is in none', async () => {
  const lines: Record<string, string>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, string>) };
  const log = createLog({ name: 'test', format: 'json', level: 'debug', destination });
  const changes: Store['changes'] = new EventEmitter();
  const stop = startEventLog({ changes }, log);
  const row = { id: 1, deploymentId: 'd1', rolloutId: 'd1:north', seq: 1, detail: null, at: new Date(0) };
  for (const kind of ['rollout.weight', 'rollback.started', 'analysis.measurement', 'pod.log', 'job.log']) {
    changes.emit('event', { ...row, kind, message: `of ${kind}` });
  }
  changes.emit('event', { ...row, rolloutId: null, kind: 'deployment.ended', message: 'done' });
  expect(lines.map(({ level, kind, message, msg }) => [level, kind, message, msg])).toEqual([
    ['info', 'rollout.weight', 'of rollout.weight', 'deployment event'],
    ['warn', 'rollback.started', 'of rollback.started', 'deployment event'],
    ['debug', 'analysis.measurement', 'of analysis.measurement', 'deployment event'],
    ['info', 'deployment.ended', 'done', 'deployment event'],
  ]);
  expect(lines[0]).toMatchObject({ deployment: 'd1', rollout: 'd1:north' });
  expect(lines[3]).not.toHaveProperty('rollout');
  await stop();
  changes.emit('event', { ...row, kind: 'warning', message: 'unheard' });
  expect(lines).toHaveLength(4);
});
