/** Who may use the API, over real HTTP and a real store: each role at each route, scopes, ends of tokens, limits. */

import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHANGES, REQUESTS, STREAMS, WRONG_TOKENS } from '../../src/orchestrator/http/limits.ts';
import { ROLES } from '../../src/orchestrator/http/permission.ts';
import { insertApproval } from '../../src/orchestrator/store/controls.ts';
import { setDeploymentState } from '../../src/orchestrator/store/deployments.ts';
import { recordEvent } from '../../src/orchestrator/store/events.ts';
import { rolloutId } from '../../src/orchestrator/store/rollouts.ts';
import { GuardedApi, type Answer } from '../support/guarded-api.ts';

let api: GuardedApi;

beforeAll(async () => {
  api = await GuardedApi.start('http-access');
  for (const role of ROLES) await api.addToken(role, { role });
});

afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
});

async function waitForApproval(id: string): Promise<void> {
  await recordEvent(api.orchestrator.store, {
    deploymentId: id,
    rolloutId: rolloutId(id, 'staging'),
    seq: 0,
    kind: 'approval.wanted',
    message: 'waits',
    rollout: { state: 'waitingApproval', step: 1 },
  });
}

const file = (application: string): object => ({
  name: 'deploy.yaml',
  text: `application: ${application}
targets: { staging: { account: east, namespace: shop } }
manifests: [{ inline: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}" }]
`,
});

describe('a role', () => {
  /** The route as it is in /openapi.json, and how it is called here, so that who may gets something else than 401 and 403. */
  const path = (template: string): string => template.replace('{id}', 'dep_0000000000000').replace('{name}', 'nobody');

  it('is enough or not at every route that /openapi.json has, as that says', async () => {
    const { paths } = (await api.call('viewer', 'GET /openapi.json')).body as {
      paths: Record<string, Record<string, { description?: string; security?: unknown[] }>>;
    };
    const routes = Object.entries(paths).flatMap(([template, methods]) =>
      Object.entries(methods).map(([method, { description = '', security }]) => ({
        route: `${method.toUpperCase()} ${path(template)}`,
        least: ROLES.find((role) => description.endsWith(`Role: ${role}.`)),
        isOpen: security?.length === 0,
      })),
    );
    expect(routes.length).toBeGreaterThan(14);
    const open = routes.filter(({ isOpen }) => isOpen).map(({ route }) => route);
    for (const route of open) expect([route, (await api.call(undefined, route)).status]).toEqual([route, 200]);
    const closed = routes.filter(({ route }) => !open.includes(route));
    expect(closed.filter(({ least }) => least === undefined)).toEqual([]);
    for (const { route, least = 'admin' } of closed) {
      const answers = [await api.call(undefined, route)];
      for (const role of ROLES) answers.push(await api.call(role, route));
      const refused = answers.map(({ code, message }) => (code === 'NOT_PERMITTED' ? message.split('.')[0] : code));
      const tooLow = ROLES.slice(0, ROLES.indexOf(least));
      const needs = least === 'admin' ? 'admin' : `${least} or more`;
      const expected = [
        'UNAUTHENTICATED',
        ...tooLow.map((role) => `Token ${role} has the role ${role}; this needs ${needs}`),
      ];
      expect([route, refused.slice(0, expected.length)]).toEqual([route, expected]);
      const others = answers.slice(expected.length).map(({ status }) => status);
      expect([route, others.includes(401) || others.includes(403)]).toEqual([route, false]);
    }
  });
});

describe('a token', () => {
  it('that is missing, unknown, cut short or of another scheme opens nothing, and what to do is said', async () => {
    const missing = await api.call(undefined, 'GET /v1/agents');
    expect([missing.status, missing.code, missing.headers.get('www-authenticate')]).toEqual([
      401,
      'UNAUTHENTICATED',
      'Bearer',
    ]);
    expect(missing.message).toContain('sluice tokens add NAME --role ROLE');
    const known = api.secrets.get('viewer') ?? '';
    for (const wrong of ['x', known.slice(0, -1), `${known}x`]) {
      const { status, message } = await api.call(wrong, 'GET /v1/agents');
      expect([status, message.includes('not a token of this API')]).toEqual([401, true]);
    }
    const basic = { headers: { authorization: `Basic ${known}` } };
    expect((await fetch(`${api.orchestrator.apiUrl}/v1/agents`, basic)).status).toBe(401);
    // A path that is none, too: who is not let in learns nothing.
    expect((await api.call(undefined, 'GET /v1/nothing')).status).toBe(401);
    expect((await api.call('viewer', 'GET /v1/nothing')).status).toBe(404);
  });

  it('is kept as a hash: its secret is in no table, and none is in the log', async () => {
    const { rows } = await api.orchestrator.store.pool.query<{ name: string }>(
      `select schemaname || '.' || relname as name from pg_stat_user_tables`,
    );
    expect(rows.map(({ name }) => name)).toContain('sluice.api_token');
    for (const { name } of rows) {
      const table = await api.orchestrator.store.pool.query<{ row: string }>(`select t::text as row from ${name} t`);
      const all = table.rows.map(({ row }) => row).join('\n');
      for (const secret of api.secrets.values()) expect(all.includes(secret), name).toBe(false);
    }
    expect(api.log).toContain('API token added');
    for (const secret of api.secrets.values()) expect(api.log.includes(secret)).toBe(false);
  });

  it('is used from when it is made until it is revoked, which is told; its name is free again then', async () => {
    await api.addToken('short', { role: 'viewer' });
    expect((await api.call('short', 'GET /v1/agents')).status).toBe(200);
    const again = await api.call('admin', 'POST /v1/tokens', { name: 'short', role: 'admin' });
    expect([again.status, again.code]).toEqual([409, 'TOKEN_EXISTS']);
    expect((await api.call('admin', 'DELETE /v1/tokens/short')).status).toBe(204);
    const { status, message } = await api.call('short', 'GET /v1/agents');
    expect([status, message]).toEqual([401, expect.stringMatching(/^Token short was revoked at 2/)]);
    const old = api.secrets.get('short') ?? '';
    await api.addToken('short', { role: 'viewer' });
    expect((await api.call('short', 'GET /v1/agents')).status).toBe(200);
    expect((await api.call(old, 'GET /v1/agents')).status).toBe(401);
  });

  it('past its time opens nothing', async () => {
    await api.addToken('brief', { role: 'viewer', expiresInSeconds: 1 });
    await expect
      .poll(async () => (await api.call('brief', 'GET /v1/agents')).message, { timeout: 10_000 })
      .toMatch(/^Token brief ended at 2/);
  });

  it.each([
    ['a name with a slash', { name: 'a/b', role: 'viewer' }],
    ['the name of the first token', { name: 'api-token', role: 'viewer' }],
    ['no role there is', { name: 'a', role: 'root' }],
    ['no application', { name: 'a', role: 'viewer', applications: [] }],
    ['an admin of one application', { name: 'a', role: 'admin', applications: ['shop'] }],
    ['no time at all', { name: 'a', role: 'viewer', expiresInSeconds: 0 }],
  ])('with %s is not made', async (_what, body) => {
    expect((await api.call('admin', 'POST /v1/tokens', body)).code).toBe('INVALID_REQUEST');
  });
});

describe('a token of one application', () => {
  it('sees, begins, approves and aborts what is of it, and nothing else', async () => {
    await api.addToken('shop-only', { role: 'approver', applications: ['shop'] });
    const [own, other] = [await api.makeDeployment('shop'), await api.makeDeployment('blog')];
    const list = async (as: string): Promise<string[]> =>
      ((await api.call(as, 'GET /v1/deployments')).body['deployments'] as { id: string }[]).map(({ id }) => id);
    expect(await list('viewer')).toEqual(expect.arrayContaining([own, other]));
    expect(await list('shop-only')).toEqual([own]);
    expect((await api.call('shop-only', 'GET /v1/deployments?application=blog')).body).toEqual({ deployments: [] });
    for (const route of ['GET ', 'GET /events', 'GET /stream', 'POST /approve', 'POST /abort']) {
      const [method = '', end = ''] = route.split(' ');
      const of = (id: string): string => `${method} /v1/deployments/${id}${end}`;
      const { status, code, message } = await api.call('shop-only', of(other));
      expect([route, status, code]).toEqual([route, 403, 'NOT_PERMITTED']);
      expect(message).toContain('Token shop-only is limited to shop; this is of another application');
      if (end === '/stream') continue; // It does not end.
      expect([route, [403, 401].includes((await api.call('shop-only', of(own))).status)]).toEqual([route, false]);
    }
    const begin = (application: string): Promise<Answer> =>
      api.call('shop-only', 'POST /v1/deployments', { file: file(application) });
    expect((await begin('blog')).code).toBe('NOT_PERMITTED');
    // Let in, and then it is that no agent is there.
    expect((await begin('shop')).code).toBe('NO_AGENT');
    const renamed = { file: file('shop'), application: 'blog' };
    expect((await api.call('shop-only', 'POST /v1/deployments', renamed)).code).toBe('NOT_PERMITTED');
  });
});

describe('requiresRoles of a pause', () => {
  it('is asked of a token as a label, and an admin needs none', async () => {
    await api.addToken('manager', { role: 'approver', asRoles: ['release-managers'] });
    const id = await api.makeDeployment('careful', ['qa', 'release-managers']);
    await waitForApproval(id);
    const approve = `POST /v1/deployments/${id}/approve`;
    const { status, code, message } = await api.call('approver', approve);
    expect([status, code]).toEqual([403, 'ROLE_REQUIRED']);
    expect(message).toContain('waits for approval by one of qa, release-managers');
    const { rows } = await api.orchestrator.store.pool.query('select * from sluice.control where deployment_id = $1', [
      id,
    ]);
    expect(rows).toEqual([]);
    expect((await api.call('manager', approve)).body).toEqual({ approved: ['staging'] });
    expect((await api.call('admin', approve, { by: 'ada' })).body).toEqual({ approved: ['staging'] });
    const controls = await api.orchestrator.store.pool.query<{ by: string }>(
      'select by from sluice.control where deployment_id = $1 order by id',
      [id],
    );
    expect(controls.rows).toEqual([{ by: 'manager' }, { by: 'ada (token admin)' }]);
  });

  it('is not got round by an approval of one step that arrives at the next', async () => {
    const { store } = api.orchestrator;
    const id = await api.makeDeployment('hasty');
    await waitForApproval(id);
    const approval = { deploymentId: id, rolloutId: rolloutId(id, 'staging'), by: 'ada' };
    expect(await insertApproval(store, { ...approval, step: 2 })).toBe(false);
    expect(await insertApproval(store, { ...approval, step: 1 })).toBe(true);
  });
});

describe('streams', () => {
  it.each([
    ['revoked', (name: string) => api.call('admin', `DELETE /v1/tokens/${name}`), {}],
    ['past its time', () => Promise.resolve(), { expiresInSeconds: 4 }],
  ])('end with the token that is %s', async (how, end, more) => {
    const name = `stream-${how.replaceAll(' ', '-')}`;
    await api.addToken(name, { role: 'viewer', ...more });
    const id = await api.makeDeployment(name);
    const headers = { authorization: `Bearer ${api.secrets.get(name)}` };
    const response = await fetch(`${api.orchestrator.apiUrl}/v1/deployments/${id}/stream`, { headers });
    expect(response.status).toBe(200);
    const all = response.text();
    await end(name);
    expect(await all).toContain('event: deployment');
  });

  it('of one token are so many at most, and those that end make room', async () => {
    await api.addToken('greedy', { role: 'viewer' });
    const id = await api.makeDeployment('greedy');
    const open = async (): Promise<IncomingMessage> => {
      const headers = { authorization: `Bearer ${api.secrets.get('greedy')}` };
      const asked = request(`${api.orchestrator.apiUrl}/v1/deployments/${id}/stream`, { headers }).end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      return response;
    };
    const streams = await Promise.all(Array.from({ length: STREAMS }, open));
    expect(new Set(streams.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    const over = await open();
    expect([over.statusCode, await text(over)]).toEqual([429, expect.stringContaining('TOO_MANY_STREAMS')]);
    await setDeploymentState(api.orchestrator.store, id, 'succeeded');
    await Promise.all(streams.map((stream) => text(stream)));
    const next = await open();
    expect([next.statusCode, await text(next)]).toEqual([200, expect.stringContaining('"state":"succeeded"')]);
  });
});

describe('limits', () => {
  it('a token that asks too often is told when to come back; another is let in meanwhile', async () => {
    await api.addToken('eager', { role: 'viewer' });
    const answers = await Promise.all(
      Array.from({ length: REQUESTS.burst * 3 }, () => api.call('eager', 'GET /v1/version')),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(REQUESTS.burst);
    expect(refused[0]).toMatchObject({ code: 'TOO_MANY_REQUESTS' });
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await api.call('viewer', 'GET /v1/version')).status).toBe(200);
  });

  it('a token that changes too often is stopped before it fills the audit, and may still look', async () => {
    await api.addToken('busy', { role: 'viewer' });
    const answers: Answer[] = [];
    while (answers.at(-1)?.status !== 429) answers.push(await api.call('busy', 'DELETE /v1/agents/nobody'));
    expect(answers.length).toBeGreaterThan(CHANGES.burst);
    expect((await api.call('busy', 'GET /v1/version')).status).toBe(200);
    const { rows } = await api.orchestrator.store.pool.query(`select from sluice.audit where who = 'busy'`);
    expect(rows).toHaveLength(answers.length - 1);
  });

  it('an address that guesses tokens is slowed, and who has a right one is let in from there all the same', async () => {
    const answers: Answer[] = [];
    for (let count = 0; count <= WRONG_TOKENS.burst; count++)
      answers.push(await api.call(`guess-${count}`, 'GET /v1/version'));
    const last = answers.at(-1);
    expect([last?.status, last?.code]).toEqual([429, 'TOO_MANY_REQUESTS']);
    expect(last?.message).toContain('This address sent wrong tokens');
    expect((await api.call('viewer', 'GET /v1/version')).status).toBe(200);
    expect(api.log).not.toContain('guess-');
  });

  it('a body that is too large is told how large it may be', async () => {
    const files = { large: 'x'.repeat(9 * 1024 * 1024) };
    const { status, message } = await api.call('deployer', 'POST /v1/deployments', { file: file('large'), files });
    expect([status, message]).toEqual([413, expect.stringContaining('larger than 8 MiB')]);
  });
});
