/** A deployment that is stored begins, also where it could not at once. */

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/shared/log.ts';
import { Engine } from '../../src/orchestrator/engine/engine.ts';
import { startPickUp } from '../../src/orchestrator/engine/pick-up.ts';
import type { ResolvedFile } from '../../src/orchestrator/file/resolved.ts';
import {
  insertDeployment,
  readDeployment,
  setDeploymentState,
  type FullDeploymentRow,
} from '../../src/orchestrator/store/deployments.ts';
import { openStore, type OpenStore } from '../../src/orchestrator/store/store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';

const FILE: ResolvedFile = { application: '', description: '', context: {}, targets: [], ifInProgress: 'reject' };

let scratch: Scratch | undefined;
let store: OpenStore;
let engine: Engine;
const runs: string[] = [];

beforeAll(async () => {
  scratch = makeScratch('pick-up');
  store = await openStore({ dataDir: join(scratch.folder, 'data'), log: silentLog });
  engine = new Engine({ store, log: silentLog });
  engine.register('deployment', async (id: string) => {
    runs.push(id);
    await setDeploymentState(store, id, 'running');
    await engine.step('work', async () => setDeploymentState(store, id, 'succeeded'));
  });
  await engine.launch();
});

afterAll(async () => {
  await engine.stop();
  await store.close();
  await scratch?.remove();
});

async function insert(id: string): Promise<void> {
  await insertDeployment(store, { id, application: id, file: FILE, source: '', createdBy: 'ada', rollouts: [] });
}

const stateOf = async (id: string): Promise<string | undefined> => (await readDeployment(store, id))?.state;

test('what the last process left begins at the start; what cannot begin is tried again, and begins once', async () => {
  const clock = new ManualClock();
  let isBroken = false;
  const tried: string[] = [];
  const start = async ({ id }: FullDeploymentRow): Promise<void> => {
    tried.push(id);
    if (isBroken) throw new Error('the connection broke');
    await engine.start('deployment', id, id);
  };
  await insert('left');
  const stop = await startPickUp({ store, clock, log: silentLog, start });
  await expect.poll(() => stateOf('left')).toBe('succeeded');

  isBroken = true;
  await insert('late');
  await insert('later');
  clock.advance(5_000);
  await expect.poll(() => tried).toEqual(['left', 'late', 'later']);
  expect(await stateOf('late')).toBe('pending');

  isBroken = false;
  await expect.poll(() => (clock.advance(5_000), stateOf('later'))).toBe('succeeded');
  expect(await stateOf('late')).toBe('succeeded');
  expect(runs).toEqual(['left', 'late', 'later']);
  await stop();
  const before = tried.length;
  await insert('after-the-stop');
  clock.advance(60_000);
  expect(tried).toHaveLength(before);
});
