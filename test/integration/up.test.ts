/** `sluice up` as a person runs it: it starts, says how the first agent gets to it, tells of the agent, and Ctrl-C leaves nothing behind. */

import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { askToEnrol } from '../../src/agent/enrol/ask-hub.ts';
import { newKey, requestFor } from '../../src/agent/enrol/key-request.ts';
import { decodeJoinToken } from '../../src/protocol/join-token.ts';
import { Child } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { makeScratch } from '../support/scratch.ts';
import type { Scratch } from '../support/scratch.ts';
import { ScriptedAgent } from '../support/scripted-agent.ts';

let scratch: Scratch;
let api: string;
let address: string;
let running: Child | undefined;

beforeAll(async () => {
  scratch = makeScratch('up');
  api = `127.0.0.1:${await freePort()}`;
  address = `127.0.0.1:${await freePort()}`;
});

afterEach(() => running?.stop('SIGINT'));
afterAll(() => scratch?.remove());

function start(name: string): Child {
  const places = ['--data-dir', join(scratch.folder, 'data'), '--api', api, '--address', address];
  running = new Child({
    name,
    folder: scratch.folder,
    args: ['src/cli/main.ts', 'up', ...places, '--agent', 'east', '--namespaces', 'shop,pay'],
    // Meant for an orchestrator that serves others.
    env: { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none', SLUICE_API_AUTH: 'required' },
  });
  return running;
}

/** Resolves with its output once that has the text. */
const says = (child: Child, text: string): Promise<string> =>
  child.until(`it says ${text}`, () => (child.log().includes(text) ? child.log() : undefined), 30_000);

/** Processes that work in the scratch folder: told so on their command line or in their environment, or standing in it. */
function left(): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && saysOf(pid).includes(scratch.folder));
}

function saysOf(pid: string): string {
  try {
    const [command, environment] = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8'));
    const said = `${command} ${environment} ${readlinkSync(`/proc/${pid}/cwd`)}`;
    return said.includes('sluice-scratch') ? '' : said;
  } catch {
    // It ended meanwhile.
    return '';
  }
}

/** What an agent that is installed by the printed line makes of its join token. */
async function enrolBy(output: string): Promise<{ ca: string; certificate: string; key: string }> {
  const { server, ca: hubCa, secret } = decodeJoinToken(/enrol\.token=([\w-]+)/.exec(output)?.[1] ?? '');
  const key = await newKey();
  const target = { server, serverName: undefined, plaintext: false, proxy: undefined };
  const request = { secret, csr: requestFor(key), instanceId: 'pod-1', agentVersion: '0.1.0' };
  const { certificate, ca } = await askToEnrol({ target, material: { ca: hubCa } }, request);
  return { ca, certificate, key };
}

test('the first start says where everything is, and an agent with what it printed connects', async () => {
  const up = start('first');
  await up.start();
  const output = await says(up, 'Ctrl-C stops it.');
  expect(output).toContain('its data goes to');
  expect(output).toContain(`http://${api}`);
  expect(output).toContain(`${address}  (as --address says)`);
  expect(output).toMatch(/helm install .*helm\/agent.*allowedNamespaces=\{shop,pay\}/);
  const agent = new ScriptedAgent(Number(address.split(':')[1]), { tls: await enrolBy(output) });
  agent.hello({ kubernetesVersion: 'v1.37.0' });
  await says(up, 'Agent east is connected (agent 0.1.0, Kubernetes v1.37.0).');
  agent.cut();
  await says(up, 'Agent east is gone');
  await up.stop('SIGINT');
  expect(up.log()).toContain('Stopped. Its data stays');
  expect([up.exit, left()]).toEqual([0, []]);
});

test('the second start goes on with the same data and expects the agent of before', async () => {
  const up = start('second');
  await up.start();
  const output = await says(up, 'Ctrl-C stops it.');
  expect(output).toContain('with the data in');
  expect(output).toContain('Agents of before come back by themselves: east.');
  expect(output).not.toContain('helm install');
  await up.stop('SIGINT');
  expect([up.exit, left()]).toEqual([0, []]);
});

test('killed, it takes its orchestrator and the database along', async () => {
  const up = start('killed');
  await up.start();
  await says(up, 'Ctrl-C stops it.');
  // The command line, the orchestrator, and PostgreSQL with its workers.
  expect(left().length).toBeGreaterThan(3);
  await up.kill9();
  await expect.poll(left, { timeout: 20_000 }).toEqual([]);
});

test('an address that is taken ends it, with the reason', async () => {
  const other = createServer().listen(Number(api.split(':')[1]), '127.0.0.1');
  await once(other, 'listening');
  const up = start('third');
  try {
    await up.start();
    await expect(says(up, 'Ctrl-C stops it.')).rejects.toThrow('API cannot be served');
    expect([up.exit, left()]).toEqual([1, []]);
  } finally {
    other.close();
  }
});
