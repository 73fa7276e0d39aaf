/** The orchestrator as a process: killed it comes back in under a second with its database, stopped it leaves nothing, and one owns its data. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAlive } from '../../src/orchestrator/store/postgres/postmaster-file.ts';
import { Child } from '../support/child.ts';
import { makeScratch } from '../support/scratch.ts';
import type { Scratch } from '../support/scratch.ts';

let scratch: Scratch;
const children: Child[] = [];

beforeEach(() => {
  scratch = makeScratch('orchestrator');
});

afterEach(async () => {
  for (const child of children.splice(0)) await child.stop();
  await scratch.remove();
});

function orchestrator(name: string, env: Record<string, string> = {}): Child {
  const child = new Child({
    name,
    folder: scratch.folder,
    args: ['src/orchestrator/main.ts'],
    env: {
      SLUICE_DATA_DIR: join(scratch.folder, 'data'),
      SLUICE_API_ADDRESS: '127.0.0.1:0',
      SLUICE_AGENT_ADDRESS: '127.0.0.1:0',
      ...env,
    },
  });
  children.push(child);
  return child;
}

interface Line {
  msg: string;
  pid?: number;
  adopted?: boolean;
}

/** Starts it; the milliseconds from process start to ready, and the log lines of this start. */
async function start(child: Child): Promise<{ ms: number; line(message: string): Line | undefined }> {
  const before = child.log().length;
  const started = performance.now();
  await child.start();
  const lines = (): Line[] => {
    const text = child.log().slice(before);
    return text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []));
  };
  const line = (message: string): Line | undefined => lines().find(({ msg }) => msg === message);
  await child.until('it is ready', () => line('orchestrator is ready'));
  return { ms: Math.round(performance.now() - started), line };
}

test('after kill -9 the next one adopts the database, and after a clean stop nothing is left running', async () => {
  const child = orchestrator('one');
  const first = await start(child);
  const database = first.line('database is running');
  expect(database?.adopted).toBe(false);
  await child.kill9();
  expect(isAlive(database?.pid ?? 0)).toBe(true);

  const second = await start(child);
  process.stdout.write(`process start to ready: first ${first.ms} ms, after kill -9 ${second.ms} ms\n`);
  expect(second.line('database is running')).toMatchObject({ adopted: true, pid: database?.pid });

  const stopping = performance.now();
  await child.stop();
  expect(performance.now() - stopping).toBeLessThan(5_000);
  expect(child.exit).toBe(0);
  expect(isAlive(database?.pid ?? 0)).toBe(false);
  expect(existsSync(join(scratch.folder, 'data', 'postgres', 'postmaster.pid'))).toBe(false);
});

test('told to stop while it starts, it stops what it has started and ends well', async () => {
  const child = orchestrator('one');
  await child.start();
  await child.until('its database runs', () => (child.log().includes('database is running') ? true : undefined));
  await child.stop();
  expect(child.exit).toBe(0);
  expect(existsSync(join(scratch.folder, 'data', 'postgres', 'postmaster.pid'))).toBe(false);
});

test('a second orchestrator on the same data says so and ends, and the first goes on', async () => {
  const [one, two] = [orchestrator('one'), orchestrator('two')];
  await start(one);
  await two.start();
  await two.until('it has ended', () => (two.log().includes('DATA_FOLDER_IN_USE') ? true : undefined));
  await expect.poll(() => two.exit).toBe(1);
  expect(one.isRunning).toBe(true);
});

test('when its database ends the orchestrator ends too, to be started again, and is', async () => {
  const child = orchestrator('one');
  const database = (await start(child)).line('database is running');
  process.kill(database?.pid ?? 0, 'SIGKILL');
  await expect.poll(() => child.exit, { timeout: 10_000 }).toBe(1);
  expect((await start(child)).line('database is running')?.adopted).toBe(false);
});

test('every fault of the configuration is told at once, and nothing is started', async () => {
  const child = orchestrator('one', { SLUICE_API_ADDRESS: 'http://x', SLUICE_TYPO: '1', SLUICE_LOG_LEVEL: 'loud' });
  await child.start();
  await expect.poll(() => child.exit, { timeout: 10_000 }).toBe(2);
  for (const name of ['SLUICE_API_ADDRESS', 'SLUICE_TYPO', 'SLUICE_LOG_LEVEL'])
    expect(readFileSync(child.logFile, 'utf8')).toContain(name);
  expect(existsSync(join(scratch.folder, 'data'))).toBe(false);
});
