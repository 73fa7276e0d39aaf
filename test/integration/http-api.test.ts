/** The API and the command line against a whole orchestrator, with a scripted agent where one has to be connected. */

import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOrchestrator, type Orchestrator } from '../support/harness.ts';

let orchestrator: Orchestrator;

beforeAll(async () => {
  orchestrator = await startOrchestrator();
});

afterAll(async () => {
  await orchestrator?.stop();
});

interface Answer {
  status: number;
  body: { error?: { code: string; message: string; problems?: unknown[] }; [key: string]: unknown };
}

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(orchestrator.url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
}

/** With headers that fetch does not let one set. */
async function raw(
  method: string,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string }> {
  const asked = request(orchestrator.url + path, { method, headers }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, body: await text(response) };
}

const file = `application: shop
targets: { staging: { account: east, namespace: shop } }
manifests: [{ inline: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}" }]
`;

describe('the API', () => {
  it('describes itself', async () => {
    const { status, body } = await call('GET', '/openapi.json');
    expect(status).toBe(200);
    expect(Object.keys(body['paths'] as object)).toContain('/v1/deployments/{id}/stream');
  });

  it('is ready when its database is', async () => {
    expect((await call('GET', '/readyz')).status).toBe(200);
  });

  it('refuses a file with each problem and its place', async () => {
    const text = file.replace('application', 'aplication');
    const { status, body } = await call('POST', '/v1/deployments', { file: { name: 'deploy.yaml', text } });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({
      code: 'INVALID_FILE',
      problems: [
        { file: 'deploy.yaml', line: 1, column: 1, message: 'unknown key aplication: did you mean application?' },
      ],
    });
  });

  it('refuses a deployment for an account without an agent, names those there are, and stores nothing', async () => {
    await call('POST', '/v1/agents', { name: 'west' });
    const { status, body } = await call('POST', '/v1/deployments', { file: { name: 'deploy.yaml', text: file } });
    expect(status).toBe(422);
    expect(body.error?.message).toMatch(/No agent is connected for account east \(agents: .*west \(disconnected\)/);
    expect((await call('GET', '/v1/deployments')).body).toEqual({ deployments: [] });
  });

  it.each([
    ['GET', '/v1/deployments/nope'],
    ['GET', '/v1/deployments/nope/events'],
    ['GET', '/v1/deployments/nope/stream'],
    ['POST', '/v1/deployments/nope/approve'],
    ['POST', '/v1/deployments/nope/abort'],
  ])('%s %s: there is no such deployment', async (method, path) => {
    // Also those that may have a body, and have none.
    const { status, body } = await call(method, path);
    expect(status).toBe(404);
    expect(body.error).toEqual({
      code: 'NO_SUCH_DEPLOYMENT',
      message: 'There is no deployment nope. List them with: sluice status',
    });
  });

  it('answers a request it does not understand in the same form', async () => {
    expect((await call('POST', '/v1/deployments', { fil: 1 })).body.error?.code).toBe('INVALID_REQUEST');
    expect((await call('GET', '/v2')).body.error?.code).toBe('NOT_FOUND');
    expect((await call('POST', '/v1/agents', { name: '../etc' })).body.error?.code).toBe('INVALID_ACCOUNT');
    expect((await call('DELETE', '/v1/agents/nobody')).body.error?.code).toBe('NO_SUCH_AGENT');
  });
});

describe('on loopback, where no token is asked for', () => {
  it.each([
    ['a name of its own that leads here', { host: 'evil.example:80' }],
    ['a request across sites', { 'sec-fetch-site': 'cross-site' }],
    ['another port of this machine', { 'sec-fetch-site': 'same-site' }],
  ])('a web page does not get in by %s', async (_how, headers) => {
    const { status, body } = await raw('POST', '/v1/deployments/dep_1/abort', headers);
    expect([status, JSON.parse(body)]).toEqual([403, { error: expect.objectContaining({ code: 'FOREIGN_ORIGIN' }) }]);
  });

  it.each(['localhost', '127.0.0.1:8080', '[::1]:8080'])('a program gets in under %s', async (host) => {
    expect((await raw('GET', '/v1/agents', { host })).status).toBe(200);
  });

  it('a token that is sent counts for what it is, and one of elsewhere for nothing', async () => {
    const { body } = await call('POST', '/v1/tokens', { name: 'reader', role: 'viewer' });
    const as = (token: unknown): Promise<{ status: number }> =>
      raw('GET', '/v1/tokens', { authorization: `Bearer ${String(token)}` });
    expect([(await as(body['secret'])).status, (await as('of elsewhere')).status]).toEqual([403, 200]);
    expect((await call('DELETE', '/v1/tokens/reader')).status).toBe(204);
    expect((await as(body['secret'])).status).toBe(401);
  });
});

describe('the command line', () => {
  it('writes a credential that only its owner reads, lists it, revokes it', async () => {
    const path = join(orchestrator.folder, 'north.json');
    // One that is there already, open to all, is not what the credential ends up in.
    await writeFile(path, '', { mode: 0o644 });
    const added = await orchestrator.sluice(['agents', 'add', 'north', '--out', path]);
    expect(added).toMatchObject({ code: 0, stderr: '' });
    expect(added.stdout).toContain('helm install sluice-agent');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const credential = JSON.parse(await readFile(path, 'utf8')) as Record<string, string>;
    expect(Object.keys(credential).toSorted()).toEqual(['account', 'ca', 'certificate', 'key', 'server', 'token']);
    expect((await orchestrator.sluice(['agents'])).stdout).toMatch(/north +never connected/);
    expect((await orchestrator.sluice(['agents', 'revoke', 'north'])).code).toBe(0);
    const listed = await orchestrator.sluice(['agents', '--output', 'json']);
    expect(JSON.parse(listed.stdout)).toContainEqual(expect.objectContaining({ account: 'north', connected: false }));
  });

  it('has an exit code for each way to go wrong', async () => {
    const path = join(orchestrator.folder, 'deploy.yaml');
    await writeFile(path, file);
    expect(await orchestrator.sluice(['validate', '-f', path])).toMatchObject({ code: 0 });
    expect(await orchestrator.sluice(['validate', '-f', `${path}.gone`])).toMatchObject({ code: 2 });
    expect(await orchestrator.sluice(['deploy'])).toMatchObject({ code: 2 });
    expect(await orchestrator.sluice(['deploy', '-f', path])).toMatchObject({ code: 1 });
    expect(await orchestrator.sluice(['watch', 'nope'])).toMatchObject({ code: 1 });
    const away = await orchestrator.sluice(['status', '--server', 'http://127.0.0.1:9']);
    expect(away.code).toBe(7);
    expect(away.stderr).toContain('The orchestrator does not answer at http://127.0.0.1:9');
  });

  it('says what there is when nothing is there yet', async () => {
    expect((await orchestrator.sluice(['status'])).stdout).toBe(
      'No deployment yet. Begin one: sluice deploy -f FILE\n',
    );
  });
});
