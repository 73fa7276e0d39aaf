/** Who may be an agent: the holder of the account's newest credential, over TLS, and nobody else. */

import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openOwnCertificate } from '../../src/orchestrator/hub/own-certificate.ts';
import { startHubServer } from '../../src/orchestrator/hub/server.ts';
import { loadAuthority } from '../../src/orchestrator/security/authority.ts';
import type { CertificateAndKey } from '../../src/orchestrator/security/issue.ts';
import { revokeAgent } from '../../src/orchestrator/store/agents.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { silentLog } from '../../src/shared/log.ts';
import { HubBench } from '../support/hub-bench.ts';
import { ScriptedAgent } from '../support/scripted-agent.ts';

const bench = new HubBench();

test.each([
  ['no credential', {}],
  ['a token nobody has', { token: 'sluice_made-up' }],
])('%s is refused', async (_what, presents) => {
  const agent = bench.dial(presents).hello();
  await expect.poll(() => agent.end).toMatch(/^UNAUTHENTICATED: /);
});

test('a revoked or replaced credential is refused, and a protocol of the future too', async () => {
  const future = bench.dial().hello({ protocolMin: 7, protocolMax: 9 });
  await expect.poll(() => future.refused).toBe('VERSION');
  const live = await bench.dial().hello().welcomed();
  await revokeAgent(bench.store, 'east');
  bench.hub.endSession('east', 'its credential was revoked');
  await expect.poll(() => live.goAway).toBe('its credential was revoked');
  const again = bench.dial().hello();
  await expect.poll(() => again.end).toMatch(/^UNAUTHENTICATED: .*revoked/);
  const renewed = await bench.add('east');
  await bench.dial({ token: renewed.token }).hello().welcomed();
  const old = bench.dial().hello();
  await expect.poll(() => old.end).toMatch(/^UNAUTHENTICATED/);
});

test('over TLS the certificate is the identity: a token is not heard, an old or foreign certificate is refused', async () => {
  await bench.restart({ tls: true });
  const tls = { ca: bench.east.ca, certificate: bench.east.certificate, key: bench.east.key };
  const agent = await bench.dial({ tls }).hello().welcomed();
  const asked = bench.operation();
  const answer = bench.hub.execute('east', asked);
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  agent.result(asked.id);
  expect((await answer).state).toBe('succeeded');

  const bare = bench.dial({ tls: { ca: bench.east.ca }, token: bench.east.token }).hello();
  await expect.poll(() => bare.end, { timeout: 5_000 }).toMatch(/^UNA/);
  const foreign = await loadAuthority({ dataDir: join(bench.folder, 'foreign'), hosts: [], now: Date.now });
  const forged = await foreign.issueAgent('east');
  const stranger = bench.dial({ tls: { ca: bench.east.ca, certificate: forged.certificate, key: forged.key } }).hello();
  await expect.poll(() => stranger.end).toMatch(/^UNAUTHENTICATED: .*does not count here/);
  await bench.add('east');
  const old = bench.dial({ tls }).hello();
  await expect.poll(() => old.end).toMatch(/^UNAUTHENTICATED: .*replaced/);
});

test('a certificate of your own is presented, the next one as soon as it is there, and sessions run on', async () => {
  const foreign = (name: string) => loadAuthority({ dataDir: join(bench.folder, name), hosts: [], now: Date.now });
  const [first, second] = [await foreign('own-1'), await foreign('own-2')];
  const files = { certFile: join(bench.folder, 'own.crt'), keyFile: join(bench.folder, 'own.key') };
  const put = async ({ certificate, key }: CertificateAndKey): Promise<void> => {
    await writeFile(files.keyFile, key);
    await writeFile(files.certFile, certificate);
  };
  await expect(openOwnCertificate({ ...files, clock: systemClock, log: silentLog })).rejects.toMatchObject({
    code: 'AGENT_CERTIFICATE',
  });
  await put(first.server);
  const own = await openOwnCertificate({ ...files, clock: systemClock, log: silentLog, lookMs: 20 });
  const address = { host: '127.0.0.1', port: 0 };
  const server = await startHubServer({ hub: bench.hub, address, authority: bench.authority, ownCertificate: own });
  const { certificate, key } = bench.east;
  const dial = (ca: string) => new ScriptedAgent(server.port, { tls: { ca, certificate, key } });
  const agent = await dial(first.ca).hello().welcomed();
  const changed = Promise.withResolvers<void>();
  own.onChange(changed.resolve);
  await put(second.server);
  await changed.promise;
  const doubter = dial(first.ca).hello();
  await expect.poll(() => doubter.end).toMatch(/^UNAVAILABLE/);
  expect(agent.end).toBeUndefined();
  const next = await dial(second.ca).hello().welcomed();
  for (const each of [agent, doubter, next]) each.cut();
  own.stop();
  await server.stop();
});

test('without TLS nothing but loopback is served', async () => {
  const address = { host: '0.0.0.0', port: 0 };
  await expect(startHubServer({ hub: bench.hub, address, authority: undefined })).rejects.toMatchObject({
    code: 'PLAINTEXT_NOT_LOOPBACK',
  });
});

test('keys are readable by their owner alone, and the authority is the same at the next start', async () => {
  for (const name of ['ca.key', 'server.key'])
    expect((await stat(join(bench.folder, 'ca', name))).mode & 0o777).toBe(0o600);
  const load = (hosts: string[], now = Date.now) => loadAuthority({ dataDir: bench.folder, hosts, now });
  const again = await load([]);
  expect(again.ca).toBe(bench.authority.ca);
  expect(again.server.certificate).toBe(bench.authority.server.certificate);
  const named = await load(['sluice.example', '10.0.0.7']);
  expect(named.server.certificate).not.toBe(again.server.certificate);
  expect((await load(['sluice.example'])).server.certificate).toBe(named.server.certificate);
  await rm(join(bench.folder, 'ca', 'ca.key'));
  const anew = await load(['sluice.example']);
  expect(anew.ca).not.toBe(bench.authority.ca);
  expect(anew.server.certificate).not.toBe(named.server.certificate);
  const in350Days = (): number => Date.now() + 350 * 86_400_000;
  expect((await load(['sluice.example'], in350Days)).server.certificate).not.toBe(anew.server.certificate);
});

test.each(['', '-x', 'a b', 'x'.repeat(64), 'a/b', "a'b"])('the account name %j is refused', async (account) => {
  await expect(bench.add(account)).rejects.toMatchObject({ code: 'INVALID_ACCOUNT' });
});
