/** A real Prometheus scrapes a real orchestrator and a real agent: what they say is what was done. */

import { X509Certificate, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import { makeRoot, makeServer } from '../../src/orchestrator/security/issue.ts';
import type { CertificateAndKey } from '../../src/orchestrator/security/issue.ts';
import type { OperationSpec } from '../../src/protocol/operation.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { configMap } from '../support/objects.ts';
import { startOrchestratorHere } from '../support/orchestrator-here.ts';
import { startPrometheusHere } from '../support/prometheus-here.ts';
import type { PrometheusHere } from '../support/prometheus-here.ts';
import { makeScratch } from '../support/scratch.ts';
import type { Scratch } from '../support/scratch.ts';
import { ScriptedAgent } from '../support/scripted-agent.ts';

let scratch: Scratch;
let plane: ControlPlane;
let orchestrator: Orchestrator;
let agent: TestAgent;
let credential: Awaited<ReturnType<Orchestrator['addAgent']>>;
let prometheus: PrometheusHere;
let count = 0;
/** Shown on the agents' port, in place of the built-in one. */
let own: CertificateAndKey;
/** What agents check it by. */
let root: CertificateAndKey;

const DAY_MS = 86_400_000;

beforeAll(async () => {
  scratch = makeScratch('metrics');
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
  root = await makeRoot(Date.now());
  own = await makeServer(root, ['127.0.0.1'], Date.now() - 300 * DAY_MS);
  const inFolder = (name: string): string => join(scratch.folder, name);
  const [ca, cert, key] = [inFolder('root.crt'), inFolder('own.crt'), inFolder('own.key')];
  await writeFile(ca, root.certificate);
  await writeFile(cert, own.certificate);
  await writeFile(key, own.key);
  orchestrator = await startOrchestratorHere(join(scratch.folder, 'data'), {
    SLUICE_AGENT_TLS_CERT_FILE: cert,
    SLUICE_AGENT_TLS_KEY_FILE: key,
    SLUICE_AGENT_CA_FILE: ca,
  });
  credential = await orchestrator.addAgent('east');
  agent = await newAgent();
  await vi.waitFor(() => expect(orchestrator.hub.isConnected('east')).toBe(true), { timeout: 20_000 });
  prometheus = await startPrometheusHere(scratch.folder, {
    agent: `127.0.0.1:${agent.healthPort}`,
    orchestrator: new URL(orchestrator.apiUrl).host,
  });
});

afterAll(async () => {
  await prometheus?.[Symbol.asyncDispose]();
  await agent?.stop();
  await orchestrator?.stop();
  await plane?.stop();
  await scratch?.remove();
});

function newAgent(): Promise<TestAgent> {
  return startAgent({
    server: credential.server,
    kubeconfig: plane.kubeconfig,
    namespaces: ['shop'],
    credential: { ...credential },
    config: { plaintext: false },
  });
}

async function run(spec: OperationSpec): Promise<string> {
  const id = `metrics-${++count}`;
  const rest = { deploymentId: 'dep_1', namespace: 'shop', notAfterMs: Date.now() + 30_000 };
  return (await orchestrator.hub.execute('east', { id, ...rest, spec })).code;
}

/** The query's only value, once a scrape has brought what is expected. */
async function expectBecomes(promql: string, expected: number): Promise<void> {
  const value = async (): Promise<number[]> => (await prometheus.query(promql)).map((sample) => sample.value);
  await expect.poll(value, { timeout: 20_000, message: promql }).toEqual([expected]);
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(`${url}/metrics`);
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  return response.text();
}

test('both are scraped, and say that they are connected', async () => {
  await expectBecomes('sum(up)', 2);
  await expectBecomes('sluice_agent_connected', 1);
  await expectBecomes('sluice_account_connected{account="east"}', 1);
  await expectBecomes('sluice_agents{state="connected"}', 1);
  await expectBecomes('sluice_hub_sessions', 1);
  await expectBecomes('sluice_database_up', 1);
  await expectBecomes('sum(sluice_certificate_expiry_timestamp_seconds > time()) > bool 0', 1);
  await expectBecomes('sluice_agent_credential_expiry_timestamp_seconds > bool time()', 1);
});

test('operations are counted at both ends, by kind and code', async () => {
  expect(await run({ kind: 'apply', objects: [configMap('greeting', { text: 'hello' })] })).toBe('OK');
  const object = { apiVersion: 'v1', kind: 'ConfigMap', name: 'nowhere', namespace: 'shop' };
  for (let n = 0; n < 3; n++) expect(await run({ kind: 'get', object })).toBe('NOT_FOUND');
  expect(await run({ kind: 'get', object: { ...object, namespace: 'elsewhere' } })).toBe('POLICY');
  for (const name of ['sluice_agent_operations_total', 'sluice_operations_total']) {
    await expectBecomes(`${name}{kind="apply",code="OK"}`, 1);
    await expectBecomes(`${name}{kind="get",code="NOT_FOUND"}`, 3);
    await expectBecomes(`${name}{kind="get",code="POLICY"}`, 1);
  }
  await expectBecomes('sluice_agent_operation_duration_seconds_count{kind="get"}', 4);
  await expectBecomes('sluice_agent_operations_in_flight', 0);
  await expectBecomes('sluice_agent_outbox_results', 0);
  await expectBecomes('sluice_agent_kubernetes_requests_total{verb="get",status="4xx"} >= bool 3', 1);
});

test('a deployment is counted by its outcome', async () => {
  const text = `application: shop
targets: { staging: { account: east, namespace: shop } }
manifests: [{ inline: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}" }]
`;
  const response = await fetch(`${orchestrator.apiUrl}/v1/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ file: { name: 'deploy.yaml', text } }),
  });
  expect(response.status).toBe(202);
  await expectBecomes('sluice_deployments_ended_total{outcome="succeeded"}', 1);
  await expectBecomes('sluice_deployment_duration_seconds_count{outcome="succeeded"}', 1);
  await expectBecomes('sluice_step_duration_seconds_count{step="preparation"}', 1);
  await expectBecomes('sum(sluice_deployments)', 0);
  await expectBecomes('sum(sluice_rollouts)', 0);
  await expectBecomes('sluice_http_requests_total{route="/v1/deployments",status="2xx"}', 1);
});

test('a stream is counted while somebody follows it', async () => {
  const { deployments } = (await (await fetch(`${orchestrator.apiUrl}/v1/deployments`)).json()) as {
    deployments: { id: string }[];
  };
  // Of one that is over it ends by itself.
  await (await fetch(`${orchestrator.apiUrl}/v1/deployments/${deployments[0]?.id}/stream`)).text();
  await expectBecomes('sluice_http_requests_total{route="/v1/deployments/:id/stream"}', 1);
  await expectBecomes('sluice_http_streams', 0);
});

test('no bad input makes a series', async () => {
  const port = Number(orchestrator.agentAddress.split(':').at(-1));
  const burst = async (): Promise<void> => {
    const word = (): string => randomBytes(6).toString('hex');
    for (let n = 0; n < 20; n++) {
      await fetch(`${orchestrator.apiUrl}/${word()}?${word()}=1`);
      await fetch(`${orchestrator.apiUrl}/v1/deployments/${word()}`, { headers: { 'user-agent': word() } });
      await fetch(`http://127.0.0.1:${agent.healthPort}/${word()}`);
    }
    const stranger = new ScriptedAgent(port, { tls: { ca: root.certificate }, token: word() });
    await expect.poll(() => stranger.end, { timeout: 10_000 }).toMatch(/UNAUTHENTICATED|UNAVAILABLE/);
    stranger.cut();
    await run({ kind: 'get', object: { apiVersion: `${word()}/v1`, kind: word(), name: word(), namespace: 'shop' } });
    await run({ kind: 'get', object: { apiVersion: 'v1', kind: 'Pod', name: word(), namespace: word() } });
  };
  const series = async (): Promise<string[]> => {
    const text = (await textOf(orchestrator.apiUrl)) + (await textOf(`http://127.0.0.1:${agent.healthPort}`));
    return text.split('\n').map((line) => line.replace(/ \S+$/, ''));
  };
  await burst();
  await series(); // /metrics itself is a route that is counted from now on
  const before = await series();
  await burst();
  expect(await series()).toEqual(before);
  expect(before.length).toBeLessThan(900);
});

test('no metric names an application, a namespace, a credential or a secret', async () => {
  const text = (await textOf(orchestrator.apiUrl)) + (await textOf(`http://127.0.0.1:${agent.healthPort}`));
  expect(text).not.toMatch(/="[^"]*(?:shop|greeting|dep_|sluice_)|BEGIN/);
});

test('every alert rule of the charts is evaluated on what is there, and none is true', async () => {
  const healths = async (): Promise<string[]> => (await prometheus.rules()).map(({ health }) => health);
  await expect.poll(healths, { timeout: 20_000 }).toSatisfy((all: string[]) => all.every((each) => each === 'ok'));
  const rules = await prometheus.rules();
  expect(rules.length).toBeGreaterThan(20);
  expect(rules.filter(({ state }) => state === 'firing').map(({ name }) => name)).toEqual([]);
});

test('/status says the same to people', async () => {
  const status = (await (await fetch(`${orchestrator.apiUrl}/status`)).json()) as Record<string, unknown>;
  expect(status).toMatchObject({
    database: { answers: true },
    agents: { connected: 1 },
    deployments: {},
    openOperations: 0,
  });
  const own = (await (await fetch(`http://127.0.0.1:${agent.healthPort}/status`)).json()) as Record<string, unknown>;
  expect(own).toMatchObject({ connected: true, account: 'east', role: 'alone' });
});

test('an agent that is gone is seen, and named', async () => {
  await agent.stop();
  await expectBecomes('sluice_account_connected{account="east"}', 0);
  await expectBecomes('sluice_account_disconnected_seconds{account="east"} > bool 0', 1);
  await expectBecomes('sluice_agents{state="disconnected"}', 1);
  await expectBecomes('ALERTS{alertname="SluiceAccountDisconnected",alertstate="pending"}', 1);
});

test('of a certificate of your own the end is told, not that of the one it stands for', async () => {
  const endsAt = new X509Certificate(own.certificate).validToDate.getTime() / 1000;
  const line = `sluice_certificate_expiry_timestamp_seconds{certificate="server"} ${endsAt}`;
  expect((await textOf(orchestrator.apiUrl)).split('\n')).toContain(line);
});

test('one that is turned away is counted at both ends, by the reason', async () => {
  await orchestrator.office.revokeAgent('east');
  agent = await newAgent();
  const ofHub = (): Promise<string> => textOf(orchestrator.apiUrl);
  const ofAgent = (): Promise<string> => textOf(`http://127.0.0.1:${agent.healthPort}`);
  const refused = /^sluice_hub_refusals_total\{code="UNAUTHENTICATED"\} [1-9]/m;
  await expect.poll(ofHub, { timeout: 20_000, interval: 200 }).toMatch(refused);
  const ended = /^sluice_agent_sessions_ended_total\{reason="unauthenticated"\} [1-9]/m;
  await expect.poll(ofAgent, { timeout: 20_000, interval: 200 }).toMatch(ended);
  await expect.poll(ofHub, { timeout: 20_000, interval: 200 }).toContain('\nsluice_agents{state="revoked"} 1\n');
});
