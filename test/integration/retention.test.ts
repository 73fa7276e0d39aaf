/** What is old is removed, engine and all; what is not over is never touched, however old. */

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/shared/clock.ts';
import { silentLog } from '../../src/shared/log.ts';
import { Engine } from '../../src/orchestrator/engine/engine.ts';
import type { ResolvedFile } from '../../src/orchestrator/file/resolved.ts';
import { prune, startRetention } from '../../src/orchestrator/retention.ts';
import { insertControl } from '../../src/orchestrator/store/controls.ts';
import { insertDeployment, setDeploymentState } from '../../src/orchestrator/store/deployments.ts';
import { recordEvent } from '../../src/orchestrator/store/events.ts';
import { insertOperation } from '../../src/orchestrator/store/operations.ts';
import { rolloutId } from '../../src/orchestrator/store/rollouts.ts';
import { openStore, type OpenStore } from '../../src/orchestrator/store/store.ts';
import { noteWatched } from '../../src/orchestrator/store/timers.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const FILE: ResolvedFile = { application: '', description: '', context: {}, targets: [], ifInProgress: 'reject' };

let scratch: Scratch | undefined;
let store: OpenStore;
let engine: Engine;

beforeAll(async () => {
  scratch = makeScratch('retention');
  store = await openStore({ dataDir: join(scratch.folder, 'data'), log: silentLog });
  engine = new Engine({ store, log: silentLog });
  engine.register('child', async () => {
    await engine.step('one', async () => 1);
  });
  engine.register('run', async (id: string) => {
    await engine.child('child', rolloutId(id, 'prod'), null);
  });
  await engine.launch();
});

afterAll(async () => {
  await engine.stop();
  await store.close();
  await scratch?.remove();
});

/** A deployment as its run leaves it: rows everywhere. @param endedDaysAgo undefined: it is not over. */
async function deployment(id: string, endedDaysAgo: number | undefined): Promise<void> {
  const rollouts = [{ target: 'prod', account: 'east', namespace: 'shop', steps: 1 }];
  await insertDeployment(store, { id, application: id, file: FILE, source: '', createdBy: 'ada', rollouts });
  const rollout = rolloutId(id, 'prod');
  await recordEvent(store, { deploymentId: id, rolloutId: rollout, seq: 1, kind: 'said', message: 'something' });
  await insertControl(store, { deploymentId: id, rolloutId: rollout, kind: 'abort', by: 'ada' });
  await noteWatched(store, rollout, 1, 5);
  const object = { apiVersion: 'v1', kind: 'Service', name: 'web', namespace: 'shop' };
  const operation = { id: `${rollout}/1`, deploymentId: id, namespace: 'shop', notAfterMs: Date.now() + 60_000 };
  await insertOperation(store, 'east', { ...operation, spec: { kind: 'get', object } });
  await engine.start('run', id, id);
  await engine.result(id);
  if (endedDaysAgo === undefined) {
    await store.pool.query(`update sluice.deployment set created_at = now() - interval '400 days' where id = $1`, [id]);
    return;
  }
  await setDeploymentState(store, id, 'succeeded');
  await store.pool.query(`update sluice.deployment set ended_at = now() - make_interval(days => $2) where id = $1`, [
    id,
    endedDaysAgo,
  ]);
}

/** How many rows there are of a deployment, by table. */
async function rowsOf(id: string): Promise<Record<string, number>> {
  const tables = {
    deployment: 'sluice.deployment where id = $1',
    rollout: 'sluice.rollout where deployment_id = $1',
    event: 'sluice.event where deployment_id = $1',
    control: 'sluice.control where deployment_id = $1',
    timer: `sluice.timer where rollout_id = $1 || ':prod'`,
    operation: 'sluice.operation where deployment_id = $1',
    step: `sluice.step where workflow_id = $1 || ':prod'`,
    workflow: `dbos.workflow_status where workflow_uuid in ($1, $1 || ':prod')`,
    record: 'dbos.operation_outputs where workflow_uuid = $1',
  };
  const counts: Record<string, number> = {};
  for (const [name, from] of Object.entries(tables)) {
    const { rows } = await store.pool.query<{ count: number }>(`select count(*)::int as count from ${from}`, [id]);
    counts[name] = rows[0]?.count ?? -1;
  }
  return counts;
}

const WHOLE = { deployment: 1, rollout: 1, event: 1, control: 1, timer: 1, operation: 1, step: 1, workflow: 2 };
const NOTHING = { ...Object.fromEntries(Object.keys(WHOLE).map((name) => [name, 0])), record: 0 };

const options = (daysLater = 0): Parameters<typeof prune>[0] => ({
  store,
  engine,
  clock: { ...systemClock, now: () => Date.now() + daysLater * DAY_MS },
  log: silentLog,
  historyDays: 90,
  workDays: 7,
});

test('work goes after its days, the rest after its own, and an active deployment keeps all for ever', async () => {
  await deployment('today', 0);
  await deployment('last-week', 8);
  await deployment('last-year', 100);
  await deployment('active', undefined);
  expect(await rowsOf('last-year')).toMatchObject(WHOLE);

  expect(await prune(options())).toEqual({ deployments: 1, work: 1 });
  expect(await rowsOf('today')).toMatchObject(WHOLE);
  expect(await rowsOf('last-week')).toMatchObject({ ...WHOLE, operation: 0, step: 0, workflow: 0, record: 0 });
  expect(await rowsOf('last-year')).toEqual(NOTHING);
  expect(await rowsOf('active')).toMatchObject(WHOLE);
  expect(await prune(options())).toEqual({ deployments: 0, work: 0 });

  expect(await prune(options(365))).toEqual({ deployments: 2, work: 0 });
  expect(await rowsOf('today')).toEqual(NOTHING);
  expect(await rowsOf('last-week')).toEqual(NOTHING);
  expect(await rowsOf('active')).toMatchObject(WHOLE);
});

test('more than one batch is removed, and a stop ends it between two', async () => {
  for (let each = 0; each < 45; each++) await deployment(`many-${each}`, 100);
  const stopping = new AbortController();
  const stopsSoon = { ...options(), engine: { forget: async () => stopping.abort() } };
  expect((await prune(stopsSoon, stopping.signal)).deployments).toBe(20);
  expect((await prune(options())).deployments).toBe(25);
});

test('it runs a minute after the start and then each day, until it is stopped', async () => {
  const clock = new ManualClock();
  let queries = 0;
  /** Two that look for deployments and find none, one for the audit, one for tokens. */
  const ofTurn = 4;
  const counting = { ...store, pool: store.pool };
  const pool = new Proxy(counting.pool, {
    get: (target, name) => {
      if (name === 'query') queries++;
      return Reflect.get(target, name) as unknown;
    },
  });
  const stop = startRetention({ ...options(), store: { ...counting, pool }, clock });
  expect(queries).toBe(0);
  clock.advance(60_000);
  await expect.poll(() => queries).toBe(ofTurn);
  clock.advance(DAY_MS - 1);
  expect(queries).toBe(ofTurn);
  clock.advance(1);
  await expect.poll(() => queries).toBe(2 * ofTurn);
  await stop();
  clock.advance(2 * DAY_MS);
  expect(queries).toBe(2 * ofTurn);
});
