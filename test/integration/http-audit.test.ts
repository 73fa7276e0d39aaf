/** The audit of the API over real HTTP and a real store: every change that was asked for, and nothing that it should not hold. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLES } from '../../src/orchestrator/http/permission.ts';
import { prune } from '../../src/orchestrator/retention.ts';
import { GuardedApi } from '../support/guarded-api.ts';

let api: GuardedApi;

beforeAll(async () => {
  api = await GuardedApi.start('http-audit');
  for (const role of ROLES) await api.addToken(role, { role });
  await api.addToken('shop-only', { role: 'approver', applications: ['shop'] });
});

afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
});

interface Entry {
  who: string;
  by: string | null;
  role: string;
  action: string;
  object: string | null;
  application: string | null;
  outcome: string | null;
  reason: string | null;
  address: string;
  userAgent: string | null;
}

async function newestEntry(): Promise<Entry | undefined> {
  return ((await api.call('admin', 'GET /v1/audit?limit=1')).body['entries'] as Entry[])[0];
}

describe('the audit', () => {
  it('has who, what, of what, when, from where and how it ended of a change', async () => {
    const id = await api.makeDeployment('audited');
    await api.call('deployer', `POST /v1/deployments/${id}/abort`, { by: 'ada', reason: 'no good' });
    expect(await newestEntry()).toMatchObject({
      who: 'deployer',
      by: 'ada',
      role: 'deployer',
      action: 'abortDeployment',
      object: id,
      application: 'audited',
      outcome: 'done',
      reason: null,
      address: '127.0.0.1',
      userAgent: 'a test',
    });
  });

  it('has what a proxy says it speaks for beside the address that is proven, and no more of it than fits', async () => {
    const forward = async (value: string): Promise<string | undefined> => {
      const authorization = `Bearer ${api.secrets.get('admin')}`;
      const headers = { authorization, 'x-forwarded-for': value };
      await fetch(`${api.orchestrator.apiUrl}/v1/agents/nobody`, { method: 'DELETE', headers });
      return (await newestEntry())?.address;
    };
    expect(await forward('203.0.113.7')).toBe('127.0.0.1 for 203.0.113.7');
    expect((await forward('9'.repeat(5_000)))?.length).toBeLessThan(250);
    expect((await api.call('admin', 'DELETE /v1/tokens/no%00body')).status).toBe(500);
    expect(await newestEntry()).toMatchObject({ object: 'no\uFFFDbody', outcome: 'failed' });
  });

  it('has what was refused, by whatever', async () => {
    const id = await api.makeDeployment('refused');
    await api.call('viewer', `POST /v1/deployments/${id}/abort`);
    expect(await newestEntry()).toMatchObject({ who: 'viewer', object: id, outcome: 'refused' });
    expect((await newestEntry())?.reason).toContain('NOT_PERMITTED: Token viewer has the role viewer');
    await api.call('shop-only', `POST /v1/deployments/${id}/approve`);
    expect(await newestEntry()).toMatchObject({ who: 'shop-only', application: 'refused', outcome: 'refused' });
    await api.call('admin', 'POST /v1/agents', { name: '../etc' });
    expect(await newestEntry()).toMatchObject({ action: 'addAgent', object: '../etc', outcome: 'refused' });
    await api.call('deployer', 'POST /v1/deployments', { file: 1 });
    expect(await newestEntry()).toMatchObject({ action: 'beginDeployment', outcome: 'refused' });
    await api.call('deployer', 'POST /v1/deployments', { file: {}, files: { large: 'x'.repeat(9 * 1024 * 1024) } });
    expect((await newestEntry())?.reason).toContain('BODY_TOO_LARGE');
  });

  it('has agents and tokens that come and go, and nothing of their secrets', async () => {
    await api.call('admin', 'POST /v1/agents', { name: 'west' });
    await api.call('admin', 'DELETE /v1/agents/west');
    await api.addToken('watched', { role: 'viewer' });
    await api.call('admin', 'DELETE /v1/tokens/watched');
    const entries = (await api.call('admin', 'GET /v1/audit?limit=4')).body['entries'] as Entry[];
    expect(entries.map(({ who, action, object }) => [who, action, object])).toEqual([
      ['admin', 'revokeToken', 'watched'],
      ['api-token', 'addToken', 'watched'],
      ['admin', 'revokeAgent', 'west'],
      ['admin', 'addAgent', 'west'],
    ]);
    expect(JSON.stringify(entries)).not.toContain(api.secrets.get('watched'));
  });

  it('has nothing of who only looked, and nothing of who was not let in', async () => {
    const before = await newestEntry();
    await api.call('viewer', 'GET /v1/deployments');
    await api.call('wrong', 'POST /v1/agents', { name: 'x' });
    expect(await newestEntry()).toEqual(before);
  });

  it('comes before the change: what cannot be written down is not done', async () => {
    const { pool } = api.orchestrator.store;
    await pool.query('alter table sluice.audit rename to audit_away');
    try {
      expect((await api.call('admin', 'POST /v1/agents', { name: 'unseen' })).status).toBe(500);
    } finally {
      await pool.query('alter table sluice.audit_away rename to audit');
    }
    const { agents } = (await api.call('viewer', 'GET /v1/agents')).body as { agents: { account: string }[] };
    expect(agents.map(({ account }) => account)).not.toContain('unseen');
  });

  it('is read on page by page, and goes with the history', async () => {
    const page = (query: string): Promise<{ id: number }[]> =>
      api.call('admin', `GET /v1/audit?${query}`).then(({ body }) => body['entries'] as { id: number }[]);
    const [first, second] = await page('limit=2');
    expect(await page(`limit=1&before=${first?.id}`)).toEqual([second]);
    expect(await page(`since=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([]);
    const { store, engine, clock, log } = api.orchestrator;
    await store.pool.query(`update sluice.audit set at = now() - interval '91 days' where id = $1`, [second?.id]);
    await api.addToken('long-gone', { role: 'viewer' });
    await store.pool.query(
      `update sluice.api_token set expires_at = now() - interval '91 days' where name = 'long-gone'`,
    );
    await prune({ store, engine, clock, log, historyDays: 90, workDays: 7 });
    const { tokens } = (await api.call('admin', 'GET /v1/tokens')).body as { tokens: { name: string }[] };
    // One that was revoked today is still told.
    expect(tokens.map(({ name }) => name)).toEqual([...ROLES, 'shop-only', 'watched'].toSorted());
    const ids = (await page('limit=1000')).map(({ id }) => id);
    expect([ids.includes(first?.id ?? 0), ids.includes(second?.id ?? 0)]).toEqual([true, false]);
  });
});
