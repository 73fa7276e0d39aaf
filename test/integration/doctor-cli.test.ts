/** The doctors as a person runs them: `sluice doctor` against a real API, and the programs' own as sub-commands. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import { loadAuthority } from '../../src/orchestrator/security/authority.ts';
import type { Check } from '../../src/shared/check.ts';
import { startCli } from '../support/cli-process.ts';
import { freePort } from '../support/free-port.ts';
import { startOrchestratorHere } from '../support/orchestrator-here.ts';
import { makeScratch } from '../support/scratch.ts';
import type { Scratch } from '../support/scratch.ts';

let scratch: Scratch;
let orchestrator: Orchestrator;
/** Where its API is, and whom to trust. */
let environment: Record<string, string>;
let admin: string;

/** An API with TLS that asks for tokens, as one beyond loopback does. */
beforeAll(async () => {
  scratch = makeScratch('doctor');
  const path = (name: string): string => join(scratch.folder, name);
  const own = await loadAuthority({ dataDir: path('own'), hosts: [], now: Date.now });
  await writeFile(path('tls.crt'), own.server.certificate);
  await writeFile(path('tls.key'), own.server.key);
  await writeFile(path('ca.crt'), own.ca);
  orchestrator = await startOrchestratorHere(path('data'), {
    SLUICE_API_AUTH: 'required',
    SLUICE_API_TLS_CERT_FILE: path('tls.crt'),
    SLUICE_API_TLS_KEY_FILE: path('tls.key'),
  });
  environment = { SLUICE_URL: orchestrator.apiUrl, SLUICE_CA_FILE: path('ca.crt') };
  admin = (await readFile(path('data/api-token'), 'utf8')).trim();
});

afterAll(async () => {
  await orchestrator?.stop();
  await scratch?.remove();
});

interface Report {
  code: number | null;
  checks: Check[];
}

async function doctor(args: string[], more: Record<string, string> = {}): Promise<Report> {
  const { code, stdout, stderr } = await startCli([...args, '-o', 'json'], { ...environment, ...more }).ended;
  try {
    return { code, checks: (JSON.parse(stdout) as { checks: Check[] }).checks };
  } catch {
    throw new Error(`no JSON: ${stdout}${stderr}`);
  }
}

const states = (checks: Check[]): string[] => checks.map(({ id, state }) => `${id} ${state}`);

test('all it can see is told; an orchestrator without an agent works', async () => {
  expect(orchestrator.apiUrl).toMatch(/^https:/);
  const { code, checks } = await doctor(['doctor'], { SLUICE_TOKEN: admin });
  expect(states(checks)).toEqual([
    'api ok',
    'tls ok',
    'token ok',
    'version ok',
    'clock ok',
    'agents warn',
    'alerts ok',
  ]);
  expect(checks[2]?.detail).toContain('role admin');
  expect(code).toBe(0);
});

test('for people it is a line each, with what to do', async () => {
  const { code, stdout } = await startCli(['doctor'], { ...environment, SLUICE_TOKEN: admin }).ended;
  expect(stdout).toMatch(/^ok {4}api +an orchestrator answers/);
  expect(stdout).toContain('-> Add the first: sluice agents add NAME');
  expect(stdout).toContain('6 ok, 1 to look at');
  expect(code).toBe(0);
});

test('a token that is missing or unknown, an authority that is not trusted, nobody there: each fails by its name', async () => {
  const bare = await doctor(['doctor']);
  expect([bare.code, states(bare.checks)]).toEqual([1, ['api ok', 'tls ok', 'token fail']]);
  const wrong = await doctor(['doctor'], { SLUICE_TOKEN: 'sluice_made-up' });
  expect(states(wrong.checks)).toEqual(['api ok', 'tls ok', 'token fail']);
  const { SLUICE_URL = '' } = environment;
  const untrusting = startCli(['doctor', '-o', 'json'], { SLUICE_URL, SLUICE_TOKEN: admin });
  const { stdout, code } = await untrusting.ended;
  expect([code, stdout]).toEqual([1, expect.stringContaining('--ca FILE')]);
  const nobody = await doctor(['doctor'], { SLUICE_URL: `http://127.0.0.1:${await freePort()}` });
  expect(states(nobody.checks)).toEqual(['api fail']);
  expect(nobody.checks[0]?.hint).toContain('--server');
});

test("the programs' own doctors are sub-commands, with the programs' flags", async () => {
  const folder = join(scratch.folder, 'other');
  const ports = [await freePort(), await freePort()];
  const flags = ['--data-dir', folder, '--api', `127.0.0.1:${ports[0]}`, '--agents', `127.0.0.1:${ports[1]}`];
  const own = await doctor(['orchestrator', 'doctor', ...flags, '--agents-public', 'sluice.example:8443']);
  expect([own.code, own.checks.filter(({ state }) => state !== 'ok')]).toEqual([0, []]);
  expect(own.checks[0]?.detail).toContain(folder);
  const credential = join(scratch.folder, 'none.json');
  const agent = await doctor([
    'agent',
    'doctor',
    '--credential',
    credential,
    '--kubeconfig',
    credential,
    '--namespaces',
    'shop',
  ]);
  expect([agent.code, states(agent.checks)]).toEqual([1, ['configuration ok', 'credential fail', 'kubernetes fail']]);
});
