/** A whole run with secrets planted wherever one may be: none is in a log or in a row, but what the manifests themselves hold. */

import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbeddedServer, type EmbeddedServer } from '../../src/orchestrator/store/postgres/embedded-server.ts';
import { decodeJoinToken } from '../../src/protocol/join-token.ts';
import { silentLog } from '../../src/shared/log.ts';
import { setWeight, writeApplication, type ApplicationOptions } from '../support/application.ts';
import { startConnectProxy, type ConnectProxy } from '../support/connect-proxy.ts';
import { startOrchestrator, type Agent, type Orchestrator } from '../support/harness.ts';
import { deploy, endOf, eventsOf, told } from '../support/rollout-watch.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { appImageName } from '../support/shared-cluster.ts';
import { QUICK_DRAIN, startWorld, type World } from '../support/world.ts';

const namespace = 'secrets';
const HOST = 'orchestrator.sluice.test';

/** Of the user's manifests: a run goes on after a restart, so they lie in the database. */
const inManifests = {
  'data of a Secret': 'planted-secret-data',
  'an annotation': 'planted-annotation',
  'a variable': 'planted-variable',
};
const planted: Record<string, string> = {
  'password of the metric provider': 'planted-provider',
  'text of what answers instead of a provider': 'planted-page',
  'password of the proxy': 'planted-proxy',
  'wrong API token': 'planted-wrong-token',
  'token in an address': 'planted-in-address',
};

let scratch: Scratch;
let world: World;
let database: EmbeddedServer;
let provider: Server;
let proxy: ConnectProxy;
let orchestrator: Orchestrator;
let agent: Agent;
const stories: string[] = [];

beforeAll(async () => {
  scratch = makeScratch('secrets');
  world = await startWorld({ namespaces: [namespace] });
  database = await startEmbeddedServer(join(scratch.folder, 'external'), silentLog);
  planted['password of the database'] = new URL(database.url).password;
  const { port, server } = await startProvider();
  provider = server;
  orchestrator = await startOrchestrator({
    env: {
      ...QUICK_DRAIN,
      DATABASE_URL: database.url,
      SLUICE_LOG_LEVEL: 'debug',
      SLUICE_METRIC_PROVIDERS: `prom=http://me:${planted['password of the metric provider']}@127.0.0.1:${port}`,
    },
  });
  proxy = await startConnectProxy({ [HOST]: orchestrator.agentPort }, `me:${planted['password of the proxy']}`);
  agent = await orchestrator.startAgent({
    account: 'east',
    kubeconfig: world.cluster.kubeconfig,
    namespaces: [namespace],
    env: {
      SLUICE_LOG_LEVEL: 'debug',
      SLUICE_SERVER: `${HOST}:${orchestrator.agentPort}`,
      SLUICE_SERVER_NAME: 'localhost',
      HTTPS_PROXY: `http://me:${planted['password of the proxy']}@127.0.0.1:${proxy.port}`,
    },
  });
  const credential = JSON.parse(await readFile(join(orchestrator.folder, 'credential-east.json'), 'utf8')) as {
    key?: string;
    token?: string;
  };
  planted["the agent's key"] = credential.key?.split('\n')[1] ?? '';
  planted["the agent's token"] = credential.token ?? planted["the agent's key"];
}, 240_000);

afterAll(async () => {
  await orchestrator?.stop();
  await proxy?.[Symbol.asyncDispose]();
  provider?.closeAllConnections();
  provider?.close();
  await database?.stop();
  await world?.[Symbol.asyncDispose]();
  await scratch?.remove();
});

/** A Prometheus that lets in who has the password, answers once with a page instead, then that all is well, then that it is not. */
async function startProvider(): Promise<{ port: number; server: Server }> {
  const wanted = `Basic ${Buffer.from(`me:${planted['password of the metric provider']}`).toString('base64')}`;
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    if (request.headers.authorization !== wanted) response.writeHead(401).end();
    else if (asked === 3) response.writeHead(502).end(planted['text of what answers instead of a provider']);
    else {
      const result = [0, asked < 6 ? '0' : '9'];
      response.end(JSON.stringify({ status: 'success', data: { resultType: 'scalar', result } }));
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port, server };
}

async function ship(version: string, more: Partial<ApplicationOptions> = {}): Promise<string> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'keys', namespace, annotations: { note: inManifests['an annotation'] } },
    stringData: { key: inManifests['data of a Secret'] },
  };
  const usual = { name: 'web', account: 'east', namespace, image: appImageName, version };
  const env = { PLANTED: inManifests['a variable'] };
  const file = await writeApplication(orchestrator.folder, { ...usual, env, objects: [secret], ...more });
  const id = await deploy(orchestrator, file);
  const { state } = await endOf(orchestrator, id);
  stories.push(JSON.stringify(await (await fetch(`${orchestrator.url}/v1/deployments/${id}`)).json()));
  stories.push(told(await eventsOf(orchestrator, id)));
  return state;
}

/** Every row of every table, by table. */
async function rows(): Promise<Map<string, string>> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
    );
    const found = new Map<string, string>();
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ row: string }>(`select row_to_json(t)::text as row from ${name} t`);
      found.set(name, rows.map(({ row }) => row).join('\n'));
    }
    return found;
  } finally {
    await client.end();
  }
}

/** As it is, and as base64 of it, and of it as a password. */
function forms(secret: string): string[] {
  const base64 = (text: string): string => Buffer.from(text).toString('base64').replace(/=+$/, '');
  return [secret, encodeURIComponent(secret), base64(secret), base64(`me:${secret}`)];
}

/** The names of the secrets that a text holds. */
function secretsIn(text: string, secrets: Record<string, string>): string[] {
  return Object.entries(secrets).flatMap(([name, secret]) =>
    forms(secret).some((each) => text.includes(each)) ? [name] : [],
  );
}

test('a whole run with secrets everywhere leaves none of them in a log or in a row', async () => {
  expect(await ship('v1')).toBe('succeeded');
  const query = { name: 'errors', queryTemplate: 'sum(x)', upperLimit: 1 };
  const analysis = { analysis: { queries: ['errors'], interval: 1, units: 'seconds', numberOfJudgmentRuns: 6 } };
  const end = await ship('v2', {
    steps: [setWeight(50), analysis],
    more: { analysis: { defaultMetricProviderName: 'prom', queries: [query] } },
  });
  expect(end, stories.at(-1)).toBe('rolledBack');

  const { stdout } = await orchestrator.sluice(['tokens', 'add', 'ci', '--role', 'viewer', '-o', 'json']);
  planted['an API token'] = /sluice[-_][\w-]{20,}/.exec(stdout)?.[0] ?? '';
  const { stdout: line } = await orchestrator.sluice(['agents', 'add', 'west']);
  const joinToken = /sluice-join-[\w-]+/.exec(line)?.[0] ?? '';
  planted['a join token'] = joinToken;
  planted['what counts in it'] = decodeJoinToken(joinToken).secret;
  for (const path of ['/v1/deployments', `/v1/nothing?token=${planted['token in an address']}`]) {
    await fetch(`${orchestrator.url}${path}`, { headers: { authorization: `Bearer ${planted['wrong API token']}` } });
  }
  await fetch(`${orchestrator.url}/v1/deployments`, {
    headers: { authorization: `Bearer ${planted['an API token']}` },
  });
  await orchestrator.sluice(['agents', 'revoke', 'east']);
  await expect.poll(() => agent.log(), { timeout: 20_000 }).toContain('cannot connect');

  for (const [name, secret] of Object.entries(planted)) expect(secret.length, name).toBeGreaterThan(10);
  const logs = {
    orchestrator: orchestrator.log(),
    agent: agent.log(),
    database: readFileSync(join(scratch.folder, 'external/postgres.log'), 'utf8'),
    'answers of the API': stories.join('\n'),
  };
  for (const [name, text] of Object.entries(logs)) {
    expect({ [name]: secretsIn(text, { ...planted, ...inManifests }) }).toEqual({ [name]: [] });
  }
  // They were used: this looked at what it meant to look at.
  expect(proxy.asked).toContain(`${HOST}:${orchestrator.agentPort}`);
  for (const line of ['metric provider does not answer', 'deployment event', 'agent refused']) {
    expect(logs.orchestrator).toContain(line);
  }
  const tables = await rows();
  expect(tables.size).toBeGreaterThan(10);
  for (const [table, text] of tables) expect({ [table]: secretsIn(text, planted) }).toEqual({ [table]: [] });
  const withManifests = [...tables]
    .filter(([, text]) => secretsIn(text, inManifests).length > 0)
    .map(([table]) => table);
  expect(withManifests.toSorted()).toEqual([
    'dbos.workflow_input',
    'sluice.deployment',
    'sluice.operation',
    'sluice.step',
  ]);
}, 180_000);
