/** Orchestrator and agent, both real, over TLS with a credential as it is issued: operations, watches, and a restart of the hub. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/shared/log.ts';
import type { Operation, OperationSpec, ResultValue } from '../../src/protocol/operation.ts';
import { startOrchestrator } from '../../src/orchestrator/orchestrator.ts';
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import type { OrchestratorConfig } from '../../src/orchestrator/config.ts';
import type { GivenCredential } from '../../src/orchestrator/security/credential.ts';
import { listAgents } from '../../src/orchestrator/store/agents.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { configMap, deployment } from '../support/objects.ts';
import { makeScratch } from '../support/scratch.ts';
import type { Scratch } from '../support/scratch.ts';

let plane: ControlPlane;
let scratch: Scratch | undefined;
let folder: string;
let orchestrator: Orchestrator;
let config: OrchestratorConfig;
let credential: GivenCredential;
let agent: TestAgent;
let count = 0;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
  scratch = makeScratch('whole');
  folder = join(scratch.folder, 'data');
  config = {
    dataDir: folder,
    databaseUrl: undefined,
    api: {
      address: { host: '127.0.0.1', port: 0 },
      publicUrl: undefined,
      requiresToken: false,
      tls: { kind: 'off' },
    },
    agents: {
      address: { host: '127.0.0.1', port: 0 },
      publicAddress: undefined,
      plaintext: false,
      behindProxy: false,
      tls: undefined,
      caFile: undefined,
      certificateMs: 86_400_000,
      install: { chart: 'helm/agent', image: undefined },
    },
    metricProviders: [],
    run: { drainMs: 3_000 },
    retention: { historyDays: 90, workDays: 7 },
    log: { level: 'silent', format: 'json' },
  };
  orchestrator = await startOrchestrator(config, silentLog);
  credential = await orchestrator.addAgent('east');
  const { host, port } = { host: '127.0.0.1', port: Number(orchestrator.agentAddress.split(':')[1]) };
  // The port stays: the agent has to find the next orchestrator where it found this one.
  config = { ...config, agents: { ...config.agents, address: { host, port } } };
  agent = await startAgent({
    server: credential.server,
    kubeconfig: plane.kubeconfig,
    namespaces: ['shop'],
    credential: { ...credential },
    config: { plaintext: false },
  });
});

afterAll(async () => {
  await agent?.stop();
  await orchestrator?.stop();
  await plane?.stop();
  await scratch?.remove();
});

function operation(spec: OperationSpec): Operation {
  return { id: `whole-${++count}`, deploymentId: 'dep_1', namespace: 'shop', notAfterMs: Date.now() + 30_000, spec };
}

test('an object is applied and read back through the agent', async () => {
  const object = configMap('greeting', { text: 'hello' });
  const applied = await orchestrator.hub.execute('east', operation({ kind: 'apply', objects: [object] }));
  expect(applied).toMatchObject({ state: 'succeeded', value: { objects: [{ data: { text: 'hello' } }] } });
  const ref = { apiVersion: 'v1', kind: 'ConfigMap', name: 'nowhere', namespace: 'shop' };
  expect(await orchestrator.hub.execute('east', operation({ kind: 'get', object: ref }))).toMatchObject({
    state: 'failed',
    code: 'NOT_FOUND',
  });
  expect((await listAgents(orchestrator.store))[0]).toMatchObject({
    account: 'east',
    namespaces: ['shop'],
    disconnectedAt: null,
  });
});

test('what is larger than one message goes there and back in chunks', async () => {
  const names = ['large-1', 'large-2', 'large-3'];
  const text = randomBytes(450_000).toString('hex');
  const objects = names.map((name) => configMap(name, { text }));
  const applied = await orchestrator.hub.execute('east', operation({ kind: 'apply', objects }));
  expect(applied).toMatchObject({ state: 'succeeded', message: '' });
  const list = { kind: 'list', apiVersion: 'v1', objectKind: 'ConfigMap', namespace: 'shop' } as const;
  const { value } = await orchestrator.hub.execute('east', operation(list));
  const { items } = value as ResultValue['list'];
  const read = items.filter(({ metadata }) => names.includes(metadata.name)).map((item) => item['data']);
  expect(read).toEqual([{ text }, { text }, { text }]);
});

test('a watched workload shows, and its changes too', async () => {
  const web = deployment('web', 3);
  await orchestrator.hub.execute('east', operation({ kind: 'apply', objects: [web] }));
  const watch = { id: 'w', namespace: 'shop', deployment: 'web', services: [], routes: [], profiles: [], jobs: [] };
  orchestrator.hub.watch('east', watch);
  await expect.poll(() => orchestrator.hub.latest('w')?.deployment?.desired, { timeout: 10_000 }).toBe(3);
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', namespace: 'shop' };
  await orchestrator.hub.execute('east', operation({ kind: 'scale', object, replicas: 5 }));
  await expect.poll(() => orchestrator.hub.latest('w')?.deployment?.desired, { timeout: 10_000 }).toBe(5);
});

test('the agent comes back to a restarted orchestrator, with its certificate and its watches', async () => {
  await orchestrator.stop();
  orchestrator = await startOrchestrator(config, silentLog);
  const waiting = orchestrator.hub.execute(
    'east',
    operation({ kind: 'apply', objects: [configMap('greeting', { text: 'again' })] }),
  );
  const watch = { id: 'w', namespace: 'shop', deployment: 'web', services: [], routes: [], profiles: [], jobs: [] };
  orchestrator.hub.watch('east', watch);
  expect((await waiting).state).toBe('succeeded');
  await expect.poll(() => orchestrator.hub.latest('w')?.deployment?.desired, { timeout: 10_000 }).toBe(5);
});

test('a revoked agent is sent away at once', async () => {
  expect(orchestrator.hub.isConnected('east')).toBe(true);
  expect(await orchestrator.office.revokeAgent('east')).toBe(true);
  await expect.poll(() => orchestrator.hub.isConnected('east')).toBe(false);
  expect(await orchestrator.office.revokeAgent('nobody')).toBe(false);
});
