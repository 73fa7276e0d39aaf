import { expect, test } from 'vitest';
import { tellLastLines } from '../../../src/orchestrator/engine/run/last-lines.ts';
import { Run } from '../../../src/orchestrator/engine/run/run.ts';
import type { PodRecord } from '../../../src/protocol/snapshot.ts';
import { emptySnapshot } from '../../support/empty-snapshot.ts';
import { identity, runWorld } from '../../support/run-world.ts';

const pod = (name: string, hash: string, more: Partial<PodRecord>): PodRecord => ({
  name,
  uid: name,
  hash,
  phase: 'Running',
  ready: false,
  deleting: false,
  restarts: 1,
  reason: 'CrashLoopBackOff',
  message: '',
  failing: true,
  ...more,
});

function world(...pods: PodRecord[]) {
  const w = runWorld();
  w.see({ ...emptySnapshot('dep_1:staging'), pods });
  return { w, run: new Run(w.ports, identity) };
}

test("a broken canary's last lines are told, not those of other versions", async () => {
  const { w, run } = world(
    pod('old', 'a', { logTail: 'all is well' }),
    pod('new', 'b', { logTail: 'no config\nbye\n' }),
  );
  await tellLastLines(run, 'b');
  await run.flush();
  expect(w.said.map(({ kind, message, detail }) => [kind, message, detail])).toEqual([
    ['pod.log', 'no config\nbye', { pod: 'new' }],
  ]);
});

test('lines that are still on their way are waited for, a moment', async () => {
  const { w, run } = world(pod('new', 'b', {}));
  const told = tellLastLines(run, 'b');
  await w.pass(500);
  w.see({ ...emptySnapshot('dep_1:staging'), pods: [pod('new', 'b', { logTail: 'late' })] });
  await told;
  await run.flush();
  expect(w.said.map(({ message }) => message)).toEqual(['late']);
});

test('where there are none nothing is said, and nobody waits long, also with the agent away', async () => {
  const { w, run } = world(pod('new', 'b', {}));
  const told = tellLastLines(run, 'b');
  await w.pass(100);
  w.see(undefined);
  await w.pass(2_000);
  await told;
  await run.flush();
  expect(w.said).toEqual([]);
  expect(w.dangling()).toBe(0);
});

test('a version that is well costs no wait', async () => {
  const { w, run } = world(pod('new', 'b', { failing: false, reason: '', ready: true }));
  // No time passes in this world.
  await tellLastLines(run, 'b');
  expect(w.dangling()).toBe(0);
});
