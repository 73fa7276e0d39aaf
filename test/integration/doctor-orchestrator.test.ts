/** The orchestrator's doctor: before the first start, beside one that runs, and for each thing that can be wrong. */

import { createServer } from 'node:http';
import { once } from 'node:events';
import { chmod, mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/orchestrator/config.ts';
import { examine } from '../../src/orchestrator/doctor/examine.ts';
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import type { Check } from '../../src/shared/check.ts';
import { freePort } from '../support/free-port.ts';
import { startOrchestratorHere } from '../support/orchestrator-here.ts';
import { makeScratch } from '../support/scratch.ts';
import type { Scratch } from '../support/scratch.ts';

let scratch: Scratch;
let folder: string;
let environment: Record<string, string>;
let orchestrator: Orchestrator | undefined;

beforeAll(async () => {
  scratch = makeScratch('doctor');
  folder = join(scratch.folder, 'data');
  environment = {
    SLUICE_DATA_DIR: folder,
    SLUICE_API_ADDRESS: `127.0.0.1:${await freePort()}`,
    SLUICE_AGENT_ADDRESS: `127.0.0.1:${await freePort()}`,
    SLUICE_AGENT_PUBLIC_ADDRESS: 'sluice.example:8443',
  };
});

afterAll(async () => {
  await orchestrator?.stop();
  await scratch?.remove();
});

function doctor(more: Record<string, string> = {}, now?: () => number): Promise<Check[]> {
  return examine(readConfig({ ...environment, ...more }), now);
}

/** But for how fast the database is: that is this machine's, and its load's. */
const notOk = (checks: Check[]): string[] =>
  checks.filter(({ id, state }) => state !== 'ok' && id !== 'latency').map(({ id, state }) => `${id} ${state}`);
const find = (checks: Check[], id: string): Check | undefined => checks.find((check) => check.id === id);

test('before the first start all is ok, and nothing is made', async () => {
  const checks = await doctor();
  expect(notOk(checks)).toEqual([]);
  expect(find(checks, 'database')?.detail).toContain('starts with the orchestrator');
  expect(existsSync(folder)).toBe(false);
});

test('beside one that runs it reads its database and its certificates, and takes nothing from it', async () => {
  orchestrator = await startOrchestratorHere(folder, environment);
  const checks = await doctor();
  expect(notOk(checks)).toEqual([]);
  expect(checks.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['database', 'schema', 'connections', 'latency', 'database-clock', 'api', 'agents']),
  );
  expect(find(checks, 'certificates/ca.crt')?.detail).toContain('CN=Sluice');
  expect(find(checks, 'api')?.detail).toContain('an orchestrator serves');
  expect(await fetch(`${orchestrator.apiUrl}/readyz`)).toMatchObject({ status: 200 });
});

test('a schema of a later release, and certificates near their end, are told', async () => {
  const { pool } = orchestrator?.store ?? {};
  await pool?.query(`insert into sluice.migration (number, name) values (9999, 'later')`);
  const later = await doctor();
  await pool?.query('delete from sluice.migration where number = 9999');
  expect(notOk(later)).toEqual(['schema fail']);
  expect(find(later, 'schema')?.detail).toContain('9999');
  const in400Days = (): number => Date.now() + 400 * 86_400_000;
  const old = await doctor({}, in400Days);
  expect(find(old, 'certificates/server.crt')).toMatchObject({
    state: 'fail',
    hint: expect.stringContaining('Restart the orchestrator') as string,
  });
});

test('an orchestrator of another data folder, a database that is away, metrics that are away', async () => {
  const elsewhere = await doctor({ SLUICE_DATA_DIR: join(scratch.folder, 'other') });
  expect(notOk(elsewhere)).toEqual(['database fail']);
  expect(find(elsewhere, 'database')?.hint).toContain('SLUICE_DATA_DIR');
  const port = await freePort();
  const away = await doctor({
    DATABASE_URL: `postgresql://user:secret@127.0.0.1:${port}/sluice`,
    SLUICE_METRIC_PROVIDERS: `prom=http://127.0.0.1:${port}`,
  });
  expect(notOk(away)).toEqual(['database fail', 'metrics/prom fail']);
  expect(find(away, 'database')?.detail).toContain('ECONNREFUSED');
  expect(JSON.stringify(away)).not.toContain('secret');
});

test("your own database is read as well; a user's wrong password is told as that", async () => {
  const { url = '' } = (orchestrator?.store ?? {}) as { url?: string };
  const checks = await doctor({ DATABASE_URL: url });
  expect(notOk(checks)).toEqual([]);
  const wrong = new URL(url);
  wrong.password = 'wrong';
  expect(find(await doctor({ DATABASE_URL: wrong.href }), 'database')?.detail).toContain(
    'password authentication failed',
  );
});

test('another program at its address, and a folder that others may read', async () => {
  const server = createServer((_request, response) => response.end('hello'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  const open = join(scratch.folder, 'open');
  await mkdir(open);
  await chmod(open, 0o755);
  try {
    const checks = await doctor({ SLUICE_API_ADDRESS: `127.0.0.1:${port}`, SLUICE_DATA_DIR: open });
    expect(notOk(checks)).toEqual(['folder warn', 'api fail', 'agents fail']);
    expect(find(checks, 'api')?.hint).toContain('SLUICE_API_ADDRESS');
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
