/** Where a proxy before the hub ends TLS, agents prove themselves by tokens: one each, two while one follows the other. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/orchestrator/config.ts';
import { loadAuthority } from '../../src/orchestrator/security/authority.ts';
import { EnrolWorld } from '../support/enrol-world.ts';
import { freePort } from '../support/free-port.ts';
import { makeScratch } from '../support/scratch.ts';
import { ScriptedAgent } from '../support/scripted-agent.ts';
import { startTlsBalancer } from '../support/tls-balancer.ts';

const scratch = makeScratch('proxy');
const port = await freePort();
const caFile = join(scratch.folder, 'proxy-ca.crt');
/** Not the orchestrator's: the proxy has a certificate of its own. */
const { ca, server: pair } = await loadAuthority({ dataDir: scratch.folder, hosts: [], now: Date.now });
await writeFile(caFile, ca);
const BEHIND = { SLUICE_AGENT_PLAINTEXT: '1', SLUICE_AGENT_BEHIND_PROXY: '1' };
const world = new EnrolWorld({
  ...BEHIND,
  SLUICE_AGENT_PUBLIC_ADDRESS: `localhost:${port}`,
  SLUICE_AGENT_CA_FILE: caFile,
});

let proxy: Disposable;

beforeAll(async () => {
  proxy = await startTlsBalancer({ port, certificate: pair, target: hubPort });
});

afterAll(async () => {
  proxy?.[Symbol.dispose]();
  await scratch.remove();
});

function hubPort(): number {
  return Number(world.orchestrator.agentAddress.split(':').at(-1));
}

test('an agent enrols through the proxy for a token, and comes back with it', async () => {
  const first = await world.start({ account: 'east', joinToken: await world.invite('east') });
  await world.connected('east');
  const { credential } = await world.kept('east');
  expect(credential).toMatchObject({ account: 'east', server: `localhost:${port}`, ca });
  expect(credential?.token).toMatch(/^sluice_/);
  expect(credential?.certificate).toBeUndefined();
  await first.stop();
  await world.start({ account: 'east' });
  await world.connected('east');
});

test('two tokens count at most, and one of them alone when asked', async () => {
  const { office } = world.orchestrator;
  const given = await office.addAgent('west');
  expect(given).toMatchObject({ server: `localhost:${port}`, ca });
  expect(given.certificate).toBeUndefined();
  const { token: first } = given;
  const second = (await office.addToken('west')).token;
  for (const token of [first, second]) await accepted(token);
  const third = (await office.addToken('west')).token;
  for (const token of [second, third]) await accepted(token);
  await refused(first);
  await office.enrolment.revokeOlderToken('west');
  await accepted(third);
  await refused(second);
  await expect(office.addToken('nobody')).rejects.toMatchObject({ code: 'NO_SUCH_AGENT' });
  await office.revokeAgent('west');
  await refused(third);
});

async function accepted(token: string): Promise<void> {
  const agent = await new ScriptedAgent(hubPort(), { token }).hello().welcomed();
  agent.cut();
}

async function refused(token: string): Promise<void> {
  const agent = new ScriptedAgent(hubPort(), { token }).hello();
  await expect.poll(() => agent.end).toMatch(/^UNAUTHENTICATED/);
  agent.cut();
}

test('without TLS nothing beyond loopback is served unless both words are said, with the address of the proxy', () => {
  const wide = { SLUICE_AGENT_ADDRESS: '0.0.0.0:8443' };
  expect(() => readConfig({ ...wide, SLUICE_AGENT_PLAINTEXT: '1' })).toThrow('SLUICE_AGENT_BEHIND_PROXY=1');
  expect(() => readConfig({ ...wide, ...BEHIND })).toThrow('SLUICE_AGENT_PUBLIC_ADDRESS');
  expect(() => readConfig({ SLUICE_AGENT_BEHIND_PROXY: '1' })).toThrow('SLUICE_AGENT_PLAINTEXT=1');
  const { agents } = readConfig({ ...wide, ...BEHIND, SLUICE_AGENT_PUBLIC_ADDRESS: 'agents.example:443' });
  expect(agents).toMatchObject({ plaintext: true, behindProxy: true });
});
