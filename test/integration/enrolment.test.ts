/** How an agent gets its credential and keeps it, with a real hub, PostgreSQL and API server: once with a token, then by itself. */

import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { askToEnrol } from '../../src/agent/enrol/ask-hub.ts';
import { newKey, requestFor } from '../../src/agent/enrol/key-request.ts';
import { decodeJoinToken } from '../../src/protocol/join-token.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { openAlerts } from '../../src/orchestrator/store/alerts.ts';
import type { Kept } from '../../src/agent/enrol/credential-secret.ts';
import { EnrolWorld } from '../support/enrol-world.ts';
import { KubeGate, type Seen } from '../support/kube-gate.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ScriptedAgent } from '../support/scripted-agent.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const world = new EnrolWorld();

/** As the agent asks, without one. */
function enrol(joinToken: string, key: string) {
  const { server, ca, secret } = decodeJoinToken(joinToken);
  const target = { server, serverName: undefined, plaintext: false, proxy: undefined };
  const request = { secret, csr: requestFor(key), instanceId: 'other', agentVersion: '0' };
  return askToEnrol({ target, material: { ca } }, request);
}

test('an agent enrols with a join token and, started again without it, comes back with what its Secret holds', async () => {
  const kubeconfig = await world.accountFor('east');
  const first = await world.start({ account: 'east', joinToken: await world.invite('east'), kubeconfig });
  await world.connected('east');
  const kept = await world.kept('east');
  expect(kept.pending).toBeUndefined();
  expect(kept.credential).toMatchObject({ account: 'east', server: world.orchestrator.agentAddress });
  const row = await world.row('east');
  const daysLeft = ((row?.certificateEndsAt?.getTime() ?? 0) - Date.now()) / 86_400_000;
  expect(daysLeft).toBeGreaterThan(29.9);
  expect(daysLeft).toBeLessThan(30.1);
  const text = JSON.stringify(first.lines);
  for (const secret of [kept.credential?.key?.slice(40, 80), 'sluice-join-']) expect(text).not.toContain(secret);
  await first.stop();
  await world.start({ account: 'east', kubeconfig });
  await world.connected('east');
});

test('with the right to its own Secret it makes no other and reads no other', async () => {
  const kubeconfig = await world.accountFor('narrow');
  const other = await world.start({
    account: 'narrow',
    kubeconfig,
    config: { credential: { kind: 'secret', namespace: 'sluice', name: 'not-mine', joinTokenFile: undefined } },
  });
  expect(await other.says(/cannot connect|session ended/)).toContain(
    'The agent may not read its Secret sluice/not-mine: give its ServiceAccount get, create and patch on this one Secret',
  );
});

test('a join token counts once: a second agent is refused, and a person told', async () => {
  const joinToken = await world.invite('once');
  await enrol(joinToken, await newKey());
  const second = await world.start({ account: 'once', joinToken });
  expect(await second.says(/was used at/)).toContain('it counts once. Make a new one with: sluice agents add once');
  await expect
    .poll(async () => (await openAlerts(world.orchestrator.store)).map(({ kind }) => kind))
    .toContain('joinTokenReused');
});

test('an agent that ended between the answer and its Secret enrols again with the key it had stored', async () => {
  const joinToken = await world.invite('crashed');
  await using gate = await KubeGate.open(world.plane.kubeconfig);
  let writes = 0;
  const isSecond = ({ method, path }: Seen): boolean =>
    method === 'PATCH' && path.includes('/secrets/crashed') && ++writes === 2;
  const held = gate.hold('before', isSecond);
  const first = await world.keeper('crashed', systemClock, joinToken, gate.kubeconfig);
  first.current().catch(() => undefined); // as good as dead: it waits for its Secret for ever
  await held.arrived;
  const { credential, pending } = await world.kept('crashed');
  expect(credential).toBeUndefined();

  const next = await world.start({ account: 'crashed', joinToken });
  await next.says(/agent enrolled/);
  await world.connected('crashed');
  const kept = await world.kept('crashed');
  expect(kept.credential?.key).toBe(pending?.key);
  expect(kept.pending).toBeUndefined();
});

test('an expired token, and one that a newer one replaced, say so in one line', async () => {
  const joinToken = await world.invite('late');
  await world.orchestrator.store.pool.query(
    `update sluice.join_token set expires_at = now() - interval '1 minute' where account = 'late'`,
  );
  const late = await world.start({ account: 'late', joinToken });
  expect(await late.says(/expired at/)).toContain('Make a new one with: sluice agents add late');
  await world.invite('late');
  const replaced = await world.start({ account: 'late', joinToken });
  expect(await replaced.says(/is not known/)).toContain('a newer one was made for its account');
});

test('without credential and token it says what to do', async () => {
  const bare = await world.start({ account: 'bare' });
  expect(await bare.says(/no join token/)).toContain('Make one with `sluice agents add NAME`');
});

test('a certificate that ended is refused with its date, and a new join token helps', async () => {
  const first = await world.start({ account: 'away', joinToken: await world.invite('away') });
  await world.connected('away');
  await first.stop();
  const { authority } = world.orchestrator.office;
  const { credential } = await world.kept('away');
  const { certificate } = await authority.signAgent('away', requestFor(credential?.key ?? ''), -60_000);
  await world.keep('away', { credential: { account: 'away', ...credential, certificate } });
  const stale = await world.start({ account: 'away' });
  expect(await stale.says(/The certificate of away ended at/)).toContain('Enrol it again: sluice agents add away');
  await stale.stop();
  await world.start({ account: 'away', joinToken: await world.invite('away') });
  await world.connected('away');
});

test('revoked, its stream ends at once, and its join token counts no more', async () => {
  const agent = await world.start({ account: 'gone', joinToken: await world.invite('gone') });
  await world.connected('gone');
  const joinToken = await world.invite('gone');
  await world.orchestrator.office.revokeAgent('gone');
  expect(world.orchestrator.hub.isConnected('gone')).toBe(false);
  await agent.says(/The credential of gone is revoked/);
  await expect(enrol(joinToken, await newKey())).rejects.toMatchObject({ code: 'JOIN_TOKEN' });
});

test('with its Secret deleted it goes on, and writes it again at its next connection', async () => {
  const kubeconfig = await world.accountFor('wiped');
  const agent = await world.start({ account: 'wiped', joinToken: await world.invite('wiped'), kubeconfig });
  await world.connected('wiped');
  const before = await world.kept('wiped');
  await world.deleteSecret('wiped');
  const result = await world.orchestrator.hub.execute('wiped', world.operation());
  expect(result.state).toBe('succeeded');
  world.orchestrator.hub.endSession('wiped', 'a test cuts it');
  await agent.says(/Secret was gone or empty/);
  await world.connected('wiped');
  expect(await world.kept('wiped')).toEqual(before);
});

test.each([-10, 10])('with a clock %i minutes off it enrols, connects and renews no sooner', async (minutes) => {
  const account = `clock${minutes > 0 ? 'ahead' : 'behind'}`;
  const clock = { ...systemClock, now: () => Date.now() + minutes * 60_000 };
  const agent = await world.start({ account, joinToken: await world.invite(account), clock });
  await world.connected(account);
  await agent.says(/clocks differ/);
  expect(agent.lines.filter(({ msg }) => msg === 'certificate renewed')).toEqual([]);
});

test('the address in the configuration wins over the one in the credential', async () => {
  const first = await world.start({ account: 'moved', joinToken: await world.invite('moved') });
  await world.connected('moved');
  await first.stop();
  const { credential } = await world.kept('moved');
  await world.keep('moved', { credential: { account: 'moved', ...credential, server: '127.0.0.1:1' } });
  await world.start({ account: 'moved', config: { server: world.orchestrator.agentAddress } });
  await world.connected('moved');
  expect((await world.row('moved'))?.disconnectedAt).toBeNull();
});

test('at two thirds of its life a certificate is renewed under a session that runs on, and the one before ends with its use', async () => {
  const agent = await world.start({ account: 'month', joinToken: await world.invite('month') });
  await world.connected('month');
  await agent.stop();
  const { credential } = await world.kept('month');
  const port = Number(world.orchestrator.agentAddress.split(':').at(-1));
  const tlsOf = ({ credential: kept }: Kept) => ({
    tls: { ca: kept?.ca ?? '', certificate: kept?.certificate ?? '', key: kept?.key ?? '' },
  });
  const live = await new ScriptedAgent(port, tlsOf({ credential })).hello().welcomed();

  const clock = new ManualClock();
  clock.advance(credential?.issuedAtMs ?? 0);
  const keeper = await world.keeper('month', clock);
  await keeper.current();
  clock.advance(18 * DAY_MS);
  await keeper.current();
  expect((await world.kept('month')).credential).toEqual(credential);
  clock.advance(2 * DAY_MS);
  await expect.poll(async () => (await world.kept('month')).credential?.certificate).not.toBe(credential?.certificate);
  await keeper.stop();
  const renewed = await world.kept('month');
  expect(renewed.credential?.key).not.toBe(credential?.key);
  expect(live.goAway).toBeUndefined();
  // The answer may have been lost: until the new one is used, the old one counts.
  await new ScriptedAgent(port, tlsOf({ credential })).hello().welcomed();
  const next = await new ScriptedAgent(port, tlsOf(renewed)).hello().welcomed();
  const old = new ScriptedAgent(port, tlsOf({ credential })).hello();
  await expect.poll(() => old.end).toMatch(/^UNAUTHENTICATED: .*replaced/);
  for (const each of [live, next, old]) each.cut();
});

test('a made-up join token is refused without a word of what there is', async () => {
  const { server, ca } = decodeJoinToken(await world.invite('real'));
  const target = { server, serverName: undefined, plaintext: false, proxy: undefined };
  const request = { secret: randomUUID(), csr: requestFor(await newKey()), instanceId: 'x', agentVersion: '0' };
  await expect(askToEnrol({ target, material: { ca } }, request)).rejects.toMatchObject({
    code: 'JOIN_TOKEN',
    message: expect.stringContaining('is not known') as string,
  });
  const forged = { ...request, csr: Buffer.from('not a request') };
  await expect(askToEnrol({ target, material: { ca } }, forged)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
