/** docs/api.md against a real orchestrator: its commands work as they stand, and it names every route. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import { setDeploymentState } from '../../src/orchestrator/store/deployments.ts';
import { repository } from '../support/child.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { ScriptedAgent } from '../support/scripted-agent.ts';
import { shellBlocks } from '../support/shell-blocks.ts';
import { startOrchestratorHere } from '../support/orchestrator-here.ts';

const page = readFileSync(join(repository, 'docs/api.md'), 'utf8');
const run = promisify(execFile);

let scratch: Scratch;
let orchestrator: Orchestrator;
let agent: ScriptedAgent;

beforeAll(async () => {
  scratch = makeScratch('api-docs');
  orchestrator = await startOrchestratorHere(scratch.folder, { SLUICE_AGENT_PLAINTEXT: '1' });
  const { token } = await orchestrator.addAgent('east');
  agent = await new ScriptedAgent(Number(orchestrator.agentAddress.split(':')[1]), { token }).hello().welcomed();
});

afterAll(async () => {
  agent?.cut();
  await orchestrator?.stop();
  await scratch?.remove();
});

/** Runs a block as it stands, but for the address. */
async function shell(block: string, id = ''): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', SLUICE_URL: orchestrator.apiUrl, SLUICE_TOKEN: 'any', ID: id };
  const script = `set -e\n${block.replace(/^export SLUICE_URL=.*$/m, '')}`;
  return (await run('sh', ['-c', script], { env, timeout: 30_000 })).stdout;
}

it('every command of docs/api.md works as it stands', async () => {
  const blocks = shellBlocks(page);
  expect(blocks).toHaveLength(6);
  const [document = '', version = '', token = '', begin = '', look = '', stream = ''] = blocks;
  expect(JSON.parse(await shell(document))).toMatchObject({ openapi: '3.1.0' });
  expect(JSON.parse(await shell(version))).toMatchObject({ api: 1 });
  expect(JSON.parse(await shell(token))).toMatchObject({ token: { name: 'ci-shop', applications: ['shop'] } });
  const { id } = JSON.parse(await shell(begin)) as { id: string };
  expect(await shell(look, id)).toContain(`"aborting":"${id}"`);
  await setDeploymentState(orchestrator.store, id, 'aborted');
  const lines = (await shell(stream, id)).split('\n');
  expect(lines.filter((line) => line.startsWith('event: ')).at(-1)).toBe('event: deployment');
});

it('docs/api.md names every route, and no other', async () => {
  const { paths } = JSON.parse(await (await fetch(`${orchestrator.apiUrl}/openapi.json`)).text()) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const served = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const table = page.slice(page.indexOf('## Routes'), page.indexOf('A deployment is over'));
  const named = [...table.matchAll(/`(?:([A-Z]+) )?(\/[^`]*)`/g)].map(
    ([, method = 'GET', path]) => `${method} ${path}`,
  );
  expect(named.toSorted()).toEqual(served.toSorted());
});
