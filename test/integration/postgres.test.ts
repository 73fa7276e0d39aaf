/** The embedded PostgreSQL survives its parent, serves one orchestrator at a time, and is gone after a clean exit. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from 'pg';
import { silentLog } from '../../src/shared/log.ts';
import { lockFolder } from '../../src/orchestrator/store/folder-lock.ts';
import { migrate } from '../../src/orchestrator/store/migrate.ts';
import { startEmbeddedServer, stopEmbeddedServer } from '../../src/orchestrator/store/postgres/embedded-server.ts';
import {
  isAlive,
  parsePostmasterFile,
  readPostmasterFile,
} from '../../src/orchestrator/store/postgres/postmaster-file.ts';
import { openStore } from '../../src/orchestrator/store/store.ts';
import { makeScratch } from '../support/scratch.ts';
import type { Scratch } from '../support/scratch.ts';

let scratch: Scratch | undefined;
let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  scratch = makeScratch('postgres');
  folder = join(scratch.folder, 'data');
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await stopEmbeddedServer(folder);
  await scratch?.remove();
});

/** A process that opens the store, says so, and waits to be killed. */
async function parent(): Promise<{ child: ChildProcess; facts: { pid: number; adopted: boolean; ms: number } }> {
  const child = spawn(process.execPath, [new URL('../support/store-holder.ts', import.meta.url).pathname, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, facts: JSON.parse(line.toString()) as { pid: number; adopted: boolean; ms: number } };
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('a first start makes a server on loopback with a password of its own, and a clean stop ends it', async () => {
  const server = await startEmbeddedServer(folder, silentLog);
  expect(await ask(server.url, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
  expect(await ask(server.url, 'show fsync')).toEqual([{ fsync: 'on' }]);
  expect((await stat(join(folder, 'postgres.password'))).mode & 0o777).toBe(0o600);
  await expect(ask(server.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow('password');
  await server.stop();
  expect(isAlive(server.pid)).toBe(false);
  expect(await readPostmasterFile(join(folder, 'postgres'))).toBeUndefined();
});

test('a volume that comes back open to its group, as with an fsGroup, serves all the same', async () => {
  await (await startEmbeddedServer(folder, silentLog)).stop();
  await chmod(join(folder, 'postgres'), 0o2770);
  const server = await startEmbeddedServer(folder, silentLog);
  expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await server.stop();
});

test('the server of a killed parent is found again, with what was written', async () => {
  const first = await parent();
  const exit = once(first.child, 'exit');
  first.child.kill('SIGKILL');
  await exit;
  expect(isAlive(first.facts.pid)).toBe(true);

  const started = performance.now();
  const store = await openStore({ dataDir: folder, log: silentLog });
  const ms = Math.round(performance.now() - started);
  process.stdout.write(`adopted the database of a killed parent in ${ms} ms\n`);
  expect(store.adopted).toBe(true);
  expect((await store.pool.query('select count(*)::int as n from sluice.agent')).rows).toEqual([{ n: 1 }]);
  await store.close();
  expect(isAlive(first.facts.pid)).toBe(false);
});

test('a data folder serves one orchestrator at a time', async () => {
  const { child } = await parent();
  await expect(openStore({ dataDir: folder, log: silentLog })).rejects.toMatchObject({ code: 'DATA_FOLDER_IN_USE' });
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
  lockFolder(folder).release();
});

test('a start waits for the helpers of a killed server, which PostgreSQL will not start beside', async () => {
  const server = await startEmbeddedServer(folder, silentLog);
  // Stopped first, so that it starts no helper and buries none: one that has just done its work stays, as a zombie.
  process.kill(server.pid, 'SIGSTOP');
  const helpers = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').trim().split(' ').map(Number);
  expect(helpers.filter(isAlive).length).toBeGreaterThan(0);
  for (const pid of helpers) process.kill(pid, 'SIGSTOP');
  process.kill(server.pid, 'SIGKILL');
  const starting = startEmbeddedServer(folder, silentLog);
  const log = (): string => readFileSync(join(folder, 'postgres.log'), 'utf8');
  await expect.poll(log).toContain('pre-existing shared memory block');
  for (const pid of helpers.filter(isAlive)) process.kill(pid, 'SIGCONT');
  const again = await starting;
  expect(await ask(again.url, 'select 1 as n')).toEqual([{ n: 1 }]);
  await again.stop();
});

test('a server killed with its parent recovers, and the file of a dead one does not mislead', async () => {
  const server = await startEmbeddedServer(folder, silentLog);
  await ask(server.url, 'create table kept (n int); insert into kept values (7)');
  process.kill(server.pid, 'SIGKILL');
  await expect.poll(() => isAlive(server.pid)).toBe(false);
  expect(existsSync(join(folder, 'postgres', 'postmaster.pid'))).toBe(true);
  const again = await startEmbeddedServer(folder, silentLog);
  expect(again.adopted).toBe(false);
  expect(await ask(again.url, 'select n from kept')).toEqual([{ n: 7 }]);
  await again.stop();
});

test('a process that took the number of a dead server is left alone', async () => {
  const server = await startEmbeddedServer(folder, silentLog);
  const file = await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8');
  await server.stop();
  const other = spawn('sleep', ['60']);
  children.push(other);
  await writeFile(join(folder, 'postgres', 'postmaster.pid'), file.replace(/^\d+/, String(other.pid)));
  const again = await startEmbeddedServer(folder, silentLog);
  expect(again.adopted).toBe(false);
  expect(isAlive(other.pid ?? 0)).toBe(true);
  await again.stop();
});

test('an interrupted first start leaves nothing half-made', async () => {
  await mkdir(join(folder, 'postgres.new', 'base'), { recursive: true });
  await writeFile(join(folder, 'postgres.password'), 'of the interrupted one\n', { mode: 0o600 });
  const server = await startEmbeddedServer(folder, silentLog);
  expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(existsSync(join(folder, 'postgres.new'))).toBe(false);
  await server.stop();
});

test('a database of your own is claimed by one orchestrator, and a newer schema is refused', async () => {
  const server = await startEmbeddedServer(folder, silentLog);
  const open = (name: string): ReturnType<typeof openStore> =>
    openStore({ dataDir: join(folder, name), databaseUrl: server.url, log: silentLog });
  const first = await open('a');
  expect(first.embedded).toBe(false);
  await expect(open('b')).rejects.toMatchObject({ code: 'DATABASE_IN_USE' });
  await Promise.all([migrate(first.pool), migrate(first.pool)]);
  await first.pool.query(`insert into sluice.migration (number, name) values (99, 'of a later release')`);
  await expect(migrate(first.pool)).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
  await first.close();
  await expect(open('b')).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
  await server.stop();
});

test('losing the claim on a shared database is told', async () => {
  const server = await startEmbeddedServer(folder, silentLog);
  const store = await openStore({ dataDir: join(folder, 'a'), databaseUrl: server.url, log: silentLog });
  await ask(
    server.url,
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sluice claim'`,
  );
  expect(await store.lost).toMatchObject({ code: 'DATABASE_UNAVAILABLE', disposition: 'retry' });
  await store.close();
  await server.stop();
});

test.each([
  ['', undefined],
  ['4711\n/data\n1795509166\n54999\n', { pid: 4711, port: 54999, status: '' }],
  [
    '4711\n/data\n1795509166\n54999\n\n127.0.0.1\n  9994290  4\nready   \n',
    { pid: 4711, port: 54999, status: 'ready' },
  ],
  ['4711\n/da', undefined],
])('reads postmaster.pid %j', (text, expected) => {
  expect(parsePostmasterFile(text)).toEqual(expected);
});
