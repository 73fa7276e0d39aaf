/** /openapi.json against the real server: a valid document, and every answer of every route is what it says. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import { raiseAlert } from '../../src/orchestrator/store/alerts.ts';
import { setDeploymentState } from '../../src/orchestrator/store/deployments.ts';
import { recordEvent } from '../../src/orchestrator/store/events.ts';
import { rolloutId } from '../../src/orchestrator/store/rollouts.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { ScriptedAgent } from '../support/scripted-agent.ts';
import { startOrchestratorHere } from '../support/orchestrator-here.ts';

type Schema = Record<string, unknown>;
interface Route {
  operationId: string;
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Route>>;
  components: { schemas: Record<string, Schema> };
}

let scratch: Scratch;
let orchestrator: Orchestrator;
let agent: ScriptedAgent;
let document: Document;
let ajv: Ajv2020;
/** `GET /v1/agents 200`, as they were answered. */
const answered = new Set<string>();

const file = (application: string): object => ({
  name: 'deploy.yaml',
  text: `application: ${application}
targets: { staging: { account: east, namespace: shop } }
manifests: [{ inline: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}" }]
`,
});

beforeAll(async () => {
  scratch = makeScratch('http-openapi');
  orchestrator = await startOrchestratorHere(scratch.folder, { SLUICE_AGENT_PLAINTEXT: '1' });
  const { token } = await orchestrator.addAgent('east');
  agent = await new ScriptedAgent(Number(orchestrator.agentAddress.split(':')[1]), { token }).hello().welcomed();
  document = (await (await fetch(`${orchestrator.apiUrl}/openapi.json`)).json()) as Document;
  ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'api', components: document.components });
});

afterAll(async () => {
  agent?.cut();
  await orchestrator?.stop();
  await scratch?.remove();
});

/** @throws when it is not of the schema, with each difference. */
function requireValid(schema: Schema, value: unknown, what: string): void {
  const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')) as Schema;
  const validate = ajv.compile(local);
  if (!validate(value)) throw new Error(`${what}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(value)}`);
}

interface Asked {
  /** The route's own without. */
  path?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Calls a route and holds its answer against the document. @returns the body. */
async function expectAnswer(route: string, status: number, options: Asked = {}): Promise<Schema> {
  const [method = '', template = ''] = route.split(' ');
  const { path = template, body, headers = {} } = options;
  const response = await fetch(orchestrator.apiUrl + path, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect(response.status, `${route}: ${text.slice(0, 500)}`).toBe(status);
  const described = document.paths[template]?.[method.toLowerCase()]?.responses[status];
  if (described === undefined) throw new Error(`${route} does not say what ${status} is`);
  answered.add(`${route} ${status}`);
  const [[type, { schema }] = ['', { schema: {} }]] = Object.entries(described.content ?? {});
  expect((response.headers.get('content-type') ?? '').split(';')[0]).toBe(type);
  if (type === 'text/event-stream') {
    for (const message of messagesOf(text)) requireValid(schema, message, route);
    return { text };
  }
  if (type === '') return {};
  if (type === 'text/plain') return { text };
  const answer = JSON.parse(text) as Schema & { error?: { code: string } };
  requireValid(schema, answer, route);
  expect(described.description).toContain(answer.error?.code ?? '');
  return answer;
}

function messagesOf(text: string): Schema[] {
  const blocks = text.split('\n\n').filter((block) => block !== '' && !block.startsWith(':'));
  return blocks.map((block) =>
    Object.fromEntries(
      block.split('\n').map((line) => {
        const name = line.slice(0, line.indexOf(': '));
        const value = line.slice(name.length + 2);
        return [name, name === 'event' ? value : (JSON.parse(value) as unknown)];
      }),
    ),
  );
}

async function begin(application: string): Promise<string> {
  return String((await expectAnswer('POST /v1/deployments', 202, { body: { file: file(application) } }))['id']);
}

const one = (id: string, end = '') => ({ path: `/v1/deployments/${id}${end}` });

describe('/openapi.json', () => {
  it('is a valid OpenAPI 3.1 document', async () => {
    const result = await new Validator().validate({ ...document });
    expect(result.errors ?? []).toEqual([]);
    expect(document.openapi).toBe('3.1.0');
  });

  it('names every operation, says what each answer is, and refuses in one form everywhere', () => {
    const routes = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(new Set(routes.map(({ operationId }) => operationId)).size).toBe(routes.length);
    const answers = routes.flatMap(({ responses }) => Object.entries(responses));
    expect(answers.filter(([, { description }]) => description === 'Default Response')).toEqual([]);
    expect(answers.filter(([status]) => status === 'default')).toHaveLength(routes.length);
    for (const [, { content }] of answers.filter(([status]) => !status.startsWith('2'))) {
      expect(content).toEqual({ 'application/json': { schema: { $ref: '#/components/schemas/Error' } } });
    }
  });
});

describe('every answer is what /openapi.json says', () => {
  it('of every route that takes nothing', async () => {
    const plain = Object.entries(document.paths).filter(([path, { get }]) => get !== undefined && !path.includes('{'));
    expect(plain.map(([path]) => path)).toContain('/v1/version');
    for (const [path] of plain) await expectAnswer(`GET ${path}`, 200);
  });

  it('of agents', async () => {
    await expectAnswer('POST /v1/agents', 201, { body: { name: 'west' } });
    await expectAnswer('POST /v1/agents', 400, { body: { name: '../etc' } });
    await expectAnswer('POST /v1/agents', 400, { body: {} });
    const { agents } = await expectAnswer('GET /v1/agents', 200);
    expect(agents).toHaveLength(2);
    await expectAnswer('DELETE /v1/agents/{name}', 204, { path: '/v1/agents/west' });
    await expectAnswer('DELETE /v1/agents/{name}', 404, { path: '/v1/agents/nobody' });
    await expectAnswer('DELETE /v1/agents/{name}', 400, { path: '/v1/agents/' });
  });

  it('of how agents enrol, and of the certificate authority', async () => {
    const invited = await expectAnswer('POST /v1/agents/{name}/join-tokens', 201, {
      path: '/v1/agents/north/join-tokens',
    });
    expect(invited).toMatchObject({ account: 'north', chart: 'helm/agent', image: null });
    await expectAnswer('POST /v1/agents/{name}/join-tokens', 400, { path: '/v1/agents/-x/join-tokens' });
    const tokens = 'POST /v1/agents/{name}/tokens';
    await expectAnswer(tokens, 201, { path: '/v1/agents/north/tokens' });
    await expectAnswer(tokens, 400, { path: '/v1/agents//tokens' });
    await expectAnswer(tokens, 404, { path: '/v1/agents/nobody/tokens' });
    const older = 'DELETE /v1/agents/{name}/tokens/older';
    await expectAnswer(older, 204, { path: '/v1/agents/north/tokens/older' });
    await expectAnswer(older, 400, { path: '/v1/agents//tokens/older' });
    await expectAnswer(older, 404, { path: '/v1/agents/nobody/tokens/older' });
    await expectAnswer('DELETE /v1/agents/{name}', 204, { path: '/v1/agents/north' });
    expect(await expectAnswer('GET /v1/ca', 200)).toMatchObject({ phase: 'settled', waiting: [] });
    await expectAnswer('POST /v1/ca/rotate', 409, { body: { finish: true } });
    await expectAnswer('POST /v1/ca/rotate', 400, { body: { finish: 'yes' } });
    await expectAnswer('POST /v1/ca/rotate', 200, { body: {} });
  });

  it('of tokens', async () => {
    const body = { name: 'ci', role: 'deployer', applications: ['shop'], asRoles: ['qa'], expiresInSeconds: 60 };
    const { token, secret } = await expectAnswer('POST /v1/tokens', 201, { body });
    expect(token).toMatchObject({ name: 'ci', applications: ['shop'], createdBy: 'local', lastUsedAt: null });
    expect(secret).toMatch(/^sluice_[\w-]{43}$/);
    await expectAnswer('POST /v1/tokens', 409, { body });
    await expectAnswer('POST /v1/tokens', 400, { body: { ...body, name: 'local' } });
    const { tokens } = await expectAnswer('GET /v1/tokens', 200);
    expect(tokens).toEqual([token]);
    await expectAnswer('DELETE /v1/tokens/{name}', 204, { path: '/v1/tokens/ci' });
    await expectAnswer('DELETE /v1/tokens/{name}', 404, { path: '/v1/tokens/ci' });
    await expectAnswer('DELETE /v1/tokens/{name}', 400, { path: '/v1/tokens/' });
  });

  it('of the audit', async () => {
    const { entries } = await expectAnswer('GET /v1/audit', 200);
    expect((entries as unknown[]).length).toBeGreaterThan(5);
    await expectAnswer('GET /v1/audit', 400, { path: '/v1/audit?since=yesterday' });
  });

  it('of alerts', async () => {
    const detail = { peer: '10.0.0.7:4242' };
    await raiseAlert(orchestrator.store, { account: null, kind: 'refusedAgent', message: 'seen', detail, count: 1 });
    const { alerts } = await expectAnswer('GET /v1/alerts', 200);
    expect(alerts).toMatchObject([{ account: null, kind: 'refusedAgent', message: 'seen', detail, count: 1 }]);
  });

  it('of deployments that cannot begin', async () => {
    await expectAnswer('POST /v1/deployments', 400, { body: { fil: 1 } });
    await expectAnswer('POST /v1/deployments', 400, { body: { file: { name: 'deploy.yaml', text: 'aplication: a' } } });
    const files = { large: 'x'.repeat(9 * 1024 * 1024) };
    await expectAnswer('POST /v1/deployments', 413, { body: { file: file('large'), files } });
    const text = 'application: b\ntargets: { staging: { account: nowhere, namespace: shop } }\nmanifests: []\n';
    const elsewhere = {
      ...file('b'),
      text: text.replace('[]', '[{ inline: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}" }]'),
    };
    await expectAnswer('POST /v1/deployments', 422, { body: { file: elsewhere } });
  });

  it('of deployments under way, and when they have ended', async () => {
    const id = await begin('shop');
    await expectAnswer('POST /v1/deployments', 409, { body: { file: file('shop') } });
    await expectAnswer('GET /v1/deployments', 200);
    await expectAnswer('GET /v1/deployments', 400, { path: '/v1/deployments?limit=0' });
    const { store } = orchestrator;
    await recordEvent(store, {
      deploymentId: id,
      rolloutId: rolloutId(id, 'staging'),
      seq: 1_000,
      kind: 'analysis.ended',
      message: 'waits for a person',
      detail: { any: ['thing'] },
      rollout: {
        state: 'waitingApproval',
        weight: 12.5,
        verdicts: [{ step: 1, verdict: 'passed', reason: 'errors is 0' }],
      },
    });
    const approve = 'POST /v1/deployments/{id}/approve';
    await expectAnswer('GET /v1/deployments/{id}', 200, one(id));
    await expectAnswer('GET /v1/deployments/{id}/events', 200, one(id, '/events'));
    await expectAnswer('GET /v1/deployments/{id}/events', 400, one(id, '/events?after=x'));
    await expectAnswer(approve, 400, { ...one(id, '/approve'), body: { target: 1 } });
    await expectAnswer(approve, 404, { ...one(id, '/approve'), body: { target: 'other' } });
    const body = { name: 'stranger', role: 'approver', applications: ['other'] };
    const { secret } = await expectAnswer('POST /v1/tokens', 201, { body });
    const headers = { authorization: `Bearer ${String(secret)}` };
    await expectAnswer(approve, 403, { ...one(id, '/approve'), body: {}, headers });
    await expectAnswer(approve, 202, { ...one(id, '/approve'), body: {} });
    const abort = 'POST /v1/deployments/{id}/abort';
    await expectAnswer(abort, 400, { ...one(id, '/abort'), body: { reason: 1 } });
    await expectAnswer(abort, 202, { ...one(id, '/abort'), body: { reason: 'no good' } });
    await setDeploymentState(store, id, 'aborted', 'no good');
    await expectAnswer(abort, 409, { ...one(id, '/abort'), body: {} });
    await expectAnswer(approve, 409, { ...one(id, '/approve'), body: {} });
    await expectAnswer('GET /v1/deployments/{id}/stream', 200, one(id, '/stream'));
    await expectAnswer('GET /v1/deployments/{id}/stream', 400, {
      ...one(id, '/stream'),
      headers: { 'last-event-id': 'x' },
    });
    await expectAnswer('GET /v1/deployments/{id}', 200, one(id));
  });

  it('of deployments that do not exist, or whose name is none', async () => {
    await expectAnswer('GET /v1/deployments/{id}', 404, one('nope'));
    await expectAnswer('GET /v1/deployments/{id}/events', 404, one('nope', '/events'));
    await expectAnswer('GET /v1/deployments/{id}/stream', 404, one('nope', '/stream'));
    await expectAnswer('POST /v1/deployments/{id}/approve', 404, { ...one('nope', '/approve'), body: {} });
    await expectAnswer('POST /v1/deployments/{id}/abort', 404, { ...one('nope', '/abort'), body: {} });
  });

  it('when the database is gone', async () => {
    const [pid] = readFileSync(join(scratch.folder, 'postgres/postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), 'SIGQUIT');
    await orchestrator.lost;
    await expectAnswer('GET /readyz', 503);
  });

  it('and no answer that it names went without a look', () => {
    const named = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { responses }]) =>
        Object.keys(responses)
          .filter((status) => status !== 'default')
          .map((status) => `${method.toUpperCase()} ${path} ${status}`),
      ),
    );
    expect(named.filter((name) => !answered.has(name))).toEqual([]);
  });
});
