/** One certificate authority follows another, with agents connected and at work: nobody visits a cluster, and nothing is lost. */

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { OperationResult } from '../../src/protocol/operation.ts';
import { loadAuthority } from '../../src/orchestrator/security/authority.ts';
import { EnrolWorld } from '../support/enrol-world.ts';

const world = new EnrolWorld();
const ACCOUNTS = ['east', 'west'];

/** Operations on every agent, one after the other, until told to stop. */
function keepBusy(): () => Promise<OperationResult[]> {
  const results: OperationResult[] = [];
  const stopping = new AbortController();
  const busy = ACCOUNTS.map(async (account) => {
    while (!stopping.signal.aborted) results.push(await world.orchestrator.hub.execute(account, world.operation()));
  });
  return async () => {
    stopping.abort();
    await Promise.all(busy);
    return results;
  };
}

test('told, taken up, signing, dropped: with two agents, and operations all the while', async () => {
  const { office } = world.orchestrator;
  const agents = await Promise.all(
    ACCOUNTS.map(async (account) => world.start({ account, joinToken: await world.invite(account) })),
  );
  for (const account of ACCOUNTS) await world.connected(account);
  const first = office.authority.active;
  const stop = keepBusy();

  // A credential in a file cannot be told: it is named, and keeps the old one until it is gone.
  await office.addAgent('file');
  await expect(office.finishRotation(false)).rejects.toMatchObject({ code: 'NO_CA_ROTATION' });
  await office.rotateAuthority();
  await expect
    .poll(async () => (await office.authorityState()).waiting.map(({ account }) => account))
    .toEqual(['file']);
  expect(office.authority.active).toBe(first);
  await expect(office.finishRotation(false)).rejects.toMatchObject({
    code: 'CA_ROTATION_WAITS',
    message: expect.stringContaining('file has a credential that it cannot change') as string,
  });
  await office.revokeAgent('file');

  await expect.poll(() => office.authority.active).not.toBe(first);
  await expect.poll(async () => (await office.authorityState()).waiting, { timeout: 10_000 }).toEqual([]);
  expect((await office.authorityState()).phase).toBe('signing');
  await office.finishRotation(false);
  expect(office.authority.trusted.map(({ role }) => role)).toEqual(['active']);

  for (const account of ACCOUNTS) {
    await expect
      .poll(async () => (await world.kept(account)).credential?.ca, { timeout: 10_000 })
      .toBe(office.authority.ca);
    world.orchestrator.hub.endSession(account, 'a test cuts it');
  }
  await expect
    .poll(() => agents.map(({ lines }) => lines.filter(({ msg }) => msg === 'session started').length))
    .toEqual([2, 2]);
  const results = await stop();
  expect(results.length).toBeGreaterThan(20);
  expect(results.filter(({ state }) => state !== 'succeeded')).toEqual([]);
}, 60_000);

test('an agent that was away while it happened is named, and with --force has to be enrolled anew', async () => {
  const { office } = world.orchestrator;
  const away = await world.start({ account: 'away', joinToken: await world.invite('away') });
  await world.connected('away');
  // Connected, it says a moment later what it has stored.
  await expect.poll(async () => (await world.row('away'))?.authorities).toHaveLength(1);
  await away.stop();
  await expect.poll(() => world.orchestrator.hub.isConnected('away')).toBe(false);
  await office.rotateAuthority();
  const state = await office.authorityState();
  expect(state.phase).toBe('published');
  expect(state.waiting).toContainEqual({
    account: 'away',
    reason: 'does not know the new authority yet, and is not connected',
  });
  await office.finishRotation(true);
  const back = await world.start({ account: 'away' });
  await back.says(/sluice agents add/);
  await back.stop();
  await world.start({ account: 'away', joinToken: await world.invite('away') });
  await world.connected('away');
}, 30_000);

test('each step is there after a restart in the middle of it, and what has no role any more is not', async () => {
  const dataDir = join(world.folder, 'steps');
  const load = () => loadAuthority({ dataDir, hosts: [], now: Date.now });
  const names = async (): Promise<string[]> =>
    (await readdir(join(dataDir, 'ca'))).filter((name) => /^ca.*crt$/.test(name));
  const authority = await load();
  const first = authority.active;
  await authority.prepare();
  const told = await load();
  expect(told.trusted.map(({ role }) => role)).toEqual(['active', 'next']);
  expect(told.ca).toBe(authority.ca);
  await told.activate();
  const signing = await load();
  expect(signing.trusted.map(({ role }) => role)).toEqual(['active', 'old']);
  expect(signing.trusted[1]?.fingerprint).toBe(first);
  expect(signing.server.certificate).toBe(told.server.certificate);
  await signing.retire();
  expect(await names()).toHaveLength(1);
  const settled = await load();
  expect(settled.trusted).toHaveLength(1);
  expect(settled.active).toBe(signing.active);
  expect(JSON.parse(await readFile(join(dataDir, 'ca', 'rotation.json'), 'utf8'))).toHaveProperty('active');
});

test('whoever looks while a step is taken sees the authorities before it or after it, never fewer', async () => {
  const authority = await loadAuthority({ dataDir: join(world.folder, 'whole'), hosts: [], now: Date.now });
  const roles = (): string => authority.trusted.map(({ role }) => role).join();
  const during = async (step: () => Promise<void>): Promise<string[]> => {
    const seen = new Set([roles()]);
    const over = new AbortController();
    const taken = step().finally(() => over.abort());
    while (!over.signal.aborted) {
      await new Promise(setImmediate);
      seen.add(roles());
    }
    await taken;
    return [...seen];
  };
  expect(await during(() => authority.prepare())).toEqual(['active', 'active,next']);
  expect(await during(() => authority.activate())).toEqual(['active,next', 'active,old']);
  expect(await during(() => authority.retire())).toEqual(['active,old', 'active']);
});
