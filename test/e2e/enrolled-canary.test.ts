/** A canary under way while its agent's credential is renewed, its authority replaced, its Secret deleted, and itself revoked: it ends right. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { setWeight, untilApproved, writeApplication } from '../support/application.ts';
import { startOrchestrator, type Agent, type Orchestrator } from '../support/harness.ts';
import { followWeights } from '../support/namespace-state.ts';
import { approvalWanted, approve, deploy, endOf, eventsOf, told } from '../support/rollout-watch.ts';
import { appImageName } from '../support/shared-cluster.ts';
import { QUICK_DRAIN, startWorld, type World } from '../support/world.ts';

const namespace = 'enrolled-canary';
const secretPath = `/api/v1/namespaces/${namespace}/secrets/agent-credential`;
const app = {
  name: 'web',
  account: 'east',
  namespace,
  image: appImageName,
  steps: [setWeight(10), untilApproved, setWeight(50)],
};

let world: World;
let orchestrator: Orchestrator;
let agent: Agent;
let joinTokenFile: string;

async function sluice<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await orchestrator.sluice([...args, '-o', 'json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as T;
}

async function invite(): Promise<void> {
  const { joinToken } = await sluice<{ joinToken: string }>('agents', 'add', app.account);
  await writeFile(joinTokenFile, joinToken);
}

async function ship(version: string): Promise<string> {
  return deploy(orchestrator, await writeApplication(orchestrator.folder, { ...app, version }));
}

async function agentSays(text: string): Promise<void> {
  await expect.poll(() => agent.log(), { timeout: 30_000 }).toContain(text);
}

beforeAll(async () => {
  world = await startWorld({ namespaces: [namespace] });
  orchestrator = await startOrchestrator({ env: QUICK_DRAIN });
  joinTokenFile = join(orchestrator.folder, 'join-token');
  await invite();
  agent = await orchestrator.startAgent({
    account: app.account,
    kubeconfig: world.cluster.kubeconfig,
    namespaces: [namespace],
    env: {
      SLUICE_CREDENTIAL_FILE: '',
      SLUICE_CREDENTIAL_SECRET: 'agent-credential',
      SLUICE_NAMESPACE: namespace,
      SLUICE_JOIN_TOKEN_FILE: joinTokenFile,
    },
  });
  expect((await endOf(orchestrator, await ship('v1'))).state).toBe('succeeded');
});

afterAll(async () => {
  await orchestrator?.stop();
  await world?.[Symbol.asyncDispose]();
});

it('the authority is replaced, the certificate renewed, the Secret deleted, the orchestrator killed', async () => {
  const followed = await followWeights(world.kube, namespace);
  const id = await ship('v2');
  await approvalWanted(orchestrator, id, 1);

  await sluice('ca', 'rotate');
  await agentSays('certificate renewed');
  await expect.poll(async () => (await sluice<{ waiting: unknown[] }>('ca')).waiting, { timeout: 20_000 }).toEqual([]);
  const { authorities } = await sluice<{ authorities: unknown[] }>('ca', 'rotate', '--finish');
  expect(authorities).toHaveLength(1);

  await world.kube.call('DELETE', secretPath);
  await orchestrator.kill9();
  await orchestrator.restart();
  await agentSays('Secret was gone or empty');
  expect(await world.kube.get(secretPath)).toBeDefined();

  await approve(orchestrator, id);
  const end = await endOf(orchestrator, id);
  followed.stop();
  expect(end.state, told(await eventsOf(orchestrator, id))).toBe('succeeded');
  expect(followed.weights).toEqual([0, 10, 50, 100, 0]);
});

it('its agent is revoked: the log says so in one line, and enrolled anew it goes on', async () => {
  const id = await ship('v3');
  await approvalWanted(orchestrator, id, 1);
  await sluice('agents', 'revoke', app.account);
  await agentSays('The credential of east is revoked.');
  await invite();
  await agent.restart();
  await approve(orchestrator, id);
  const end = await endOf(orchestrator, id);
  expect(end.state, told(await eventsOf(orchestrator, id))).toBe('succeeded');
});
