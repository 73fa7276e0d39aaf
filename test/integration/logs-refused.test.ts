/** An agent that a real orchestrator turns away: one warning in each of the two logs, whatever the number of tries. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/orchestrator/config.ts';
import { startOrchestrator } from '../../src/orchestrator/orchestrator.ts';
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import { createLog } from '../../src/shared/log.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgentOptions } from '../support/agent.ts';
import { freePort } from '../support/free-port.ts';
import { makeScratch } from '../support/scratch.ts';
import type { Scratch } from '../support/scratch.ts';

type Line = Record<string, unknown> & { msg: string; level: string };

let scratch: Scratch;
let orchestrator: Orchestrator;
const hubLines: Line[] = [];

const into = (lines: Line[]) =>
  createLog({
    name: 'test',
    format: 'json',
    level: 'debug',
    destination: { write: (line: string) => void lines.push(JSON.parse(line) as Line) },
  });

beforeAll(async () => {
  scratch = makeScratch('refused');
  const config = readConfig({
    SLUICE_DATA_DIR: join(scratch.folder, 'data'),
    SLUICE_API_ADDRESS: '127.0.0.1:0',
    SLUICE_AGENT_ADDRESS: '127.0.0.1:0',
  });
  orchestrator = await startOrchestrator(config, into(hubLines));
});

afterAll(async () => {
  await orchestrator?.stop();
  await scratch?.remove();
});

/** The word in a kubeconfig of a cluster that is not there. */
async function kubeconfig(): Promise<string> {
  const path = join(scratch.folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'none', cluster: { server: `http://127.0.0.1:${await freePort()}` } }],
    users: [{ name: 'nobody', user: {} }],
    contexts: [{ name: 'none', context: { cluster: 'none', user: 'nobody' } }],
    'current-context': 'none',
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

/** Starts one agent after another with the same credential, as a crash loop or a person does: each is a new try. */
async function tries(account: string, more: Partial<TestAgentOptions>): Promise<Line[]> {
  const credential = { ...(await orchestrator.addAgent(account)) };
  if (more.hello === undefined) await orchestrator.office.revokeAgent(account);
  const lines: Line[] = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    const own: Line[] = [];
    const agent = await startAgent({
      server: orchestrator.agentAddress,
      kubeconfig: await kubeconfig(),
      namespaces: ['shop'],
      credential,
      log: into(own),
      ...more,
      config: { plaintext: false },
    });
    await expect.poll(() => own.filter(({ msg }) => msg === 'cannot connect').length, { timeout: 10_000 }).toBe(1);
    await agent.stop();
    lines.push(...own.filter(({ msg }) => msg === 'cannot connect'));
  }
  return lines;
}

const refusals = (account: string): string[] =>
  hubLines.filter((line) => line.msg === 'agent refused' && line['account'] === account).map(({ level }) => level);

test('a revoked credential: the cause is auth, what to do is said, and the orchestrator warns once', async () => {
  const lines = await tries('revoked', {});
  for (const line of lines) {
    expect(line).toMatchObject({
      level: 'warn',
      cause: 'auth',
      code: 'UNAUTHENTICATED',
      message: 'The credential of revoked is revoked.',
      hint: expect.stringContaining('sluice agents add NAME') as string,
    });
    // A person has to act: it does not try again at once.
    expect(line['next_retry_ms']).toBeGreaterThanOrEqual(29_000);
  }
  expect(refusals('revoked')).toEqual(['warn', 'debug', 'debug']);
});

test('protocols that do not overlap: the cause is version, and which of the two is to be upgraded', async () => {
  const lines = await tries('newer', { hello: { protocolMin: 98, protocolMax: 99 } });
  for (const line of lines) {
    expect(line).toMatchObject({
      level: 'warn',
      cause: 'version',
      code: 'VERSION',
      message: expect.stringMatching(/speaks protocol 98 to 99.*Upgrade the orchestrator/) as string,
    });
  }
  expect(refusals('newer')).toEqual(['warn', 'debug', 'debug']);
});
