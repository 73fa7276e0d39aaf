/** Canaries on a real node through an agent that speaks version 1 of the protocol and knows neither guard, http nor scrape. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { setWeight, writeApplication } from '../support/application.ts';
import { startOrchestrator } from '../support/harness.ts';
import type { Orchestrator } from '../support/harness.ts';
import { pathOf, podsOf } from '../support/namespace-state.ts';
import { deploy, endOf, eventsOf, told } from '../support/rollout-watch.ts';
import { appImageName } from '../support/shared-cluster.ts';
import { QUICK_DRAIN, startWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';

const namespace = 'older';
const account = 'older';
const capabilities = [
  'apply',
  'patch',
  'scale',
  'delete',
  'get',
  'list',
  'discover',
  'reviewAccess',
  'logs',
  'snapshot',
];

let world: World;
let orchestrator: Orchestrator;
let agent: TestAgent;

beforeAll(async () => {
  world = await startWorld({ namespaces: [namespace] });
  orchestrator = await startOrchestrator({ env: QUICK_DRAIN });
  const credential = await orchestrator.addAgent(account);
  agent = await startAgent({
    server: `127.0.0.1:${orchestrator.agentPort}`,
    kubeconfig: world.cluster.kubeconfig,
    namespaces: [namespace],
    credential: JSON.parse(readFileSync(credential, 'utf8')) as Record<string, string>,
    config: { plaintext: false },
    hello: { protocolMin: 1, protocolMax: 1, capabilities, agentVersion: '0.0.1' },
  });
});

afterAll(async () => {
  await agent?.stop();
  await orchestrator?.stop();
  await world?.[Symbol.asyncDispose]();
});

test('a canary goes through, one that is taken back comes back, and what is missed for the age of the agent is said', async () => {
  const application = { name: 'shop', account, namespace, image: appImageName };
  const steps = [setWeight(20), setWeight(50), setWeight(100)];
  const release = async (version: string, more: object = {}): Promise<{ state: string; events: string }> => {
    const file = await writeApplication(orchestrator.folder, { ...application, version, steps, ...more });
    const id = await deploy(orchestrator, file);
    const { state } = await endOf(orchestrator, id);
    return { state, events: told(await eventsOf(orchestrator, id)) };
  };
  expect(await release('v1')).toMatchObject({ state: 'succeeded' });
  const second = await release('v2');
  expect(second.state, second.events).toBe('succeeded');
  expect(second.events).toContain('knows no guard');
  expect(second.events).toContain('Upgrade the agent');
  const [split] = await world.kube.list(pathOf('TrafficSplit', namespace));
  expect(split?.metadata.labels?.['sluice.dev/guard']).toBeUndefined();
  const stable = await podsOf(world.kube, namespace, 'shop');
  const third = await release('v3', { env: { CRASH_AFTER_MS: '1' } });
  expect(third.state, third.events).not.toBe('succeeded');
  const after = await podsOf(world.kube, namespace, 'shop');
  expect(new Set(after.map(({ hash }) => hash))).toEqual(new Set(stable.map(({ hash }) => hash)));
});
