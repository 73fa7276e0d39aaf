import { expect, test } from 'vitest';
import { explainEvents } from '../../../src/agent/health/explain-events.ts';

const event = (reason: string, message: string, lastTimestamp: string) => ({ reason, message, lastTimestamp });
const readiness = event(
  'Unhealthy',
  'Readiness probe failed: HTTP probe failed with statuscode: 503',
  '2026-01-01T00:00:09Z',
);
const liveness = event(
  'Unhealthy',
  'Liveness probe failed: Get "http://10.0.0.1/": connection refused',
  '2026-01-01T00:00:05Z',
);
const older = event('Unhealthy', 'Liveness probe failed: timeout', '2026-01-01T00:00:01Z');
const mount = event(
  'FailedMount',
  'MountVolume.SetUp failed for volume "keys" : secret "web-keys" not found',
  '2026-01-01T00:00:02Z',
);
const other = event('FailedScheduling', '0/1 nodes are available', '2026-01-01T00:00:30Z');

test.each([
  ['a readiness probe', [older, readiness, other], 'probe', 'ReadinessProbeFailed', 'statuscode: 503'],
  [
    'a crash by a liveness probe, whatever its readiness said',
    [readiness, older, liveness],
    'crash',
    'LivenessProbeFailed',
    'connection refused',
  ],
  ['a start without its Secret', [other, mount], 'start', 'FailedMount', 'secret "web-keys" not found'],
] as const)('the newest warning that fits explains %s', (_name, events, kind, reason, says) => {
  const found = explainEvents(events, kind);
  expect(found.reason).toBe(reason);
  expect(found.message).toContain(says);
});

test('events that tell of something else explain nothing', () => {
  expect(explainEvents([mount, other], 'crash')).toEqual({});
  expect(explainEvents([readiness], 'start')).toEqual({});
  expect(explainEvents([], 'probe')).toEqual({});
});
