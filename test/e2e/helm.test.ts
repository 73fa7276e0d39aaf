/** The chart as a user installs it: real Helm, real RBAC, the image's own content; and a canary through the agent that came of it. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { installMesh } from '../cluster/mesh/install.ts';
import { appArchives, meshArchives } from '../cluster/mesh/program-images.ts';
import { setWeight, writeApplication, type ApplicationOptions } from '../support/application.ts';
import { startOrchestrator, type Orchestrator } from '../support/harness.ts';
import { agentNamespace, agentReady, installAgent } from '../support/helm.ts';
import { deploy, deploymentOf, endOf, eventsOf, eventThat, told } from '../support/rollout-watch.ts';

const namespace = 'shop';
const image = 'sluice.test/app:v1';

const cleanUp = new AsyncDisposableStack();
let cluster: Cluster;
let orchestrator: Orchestrator;

beforeAll(async () => {
  const archives = [...(await appArchives([image])), ...Object.values(await meshArchives())];
  cluster = cleanUp.use(await startCluster({ images: archives }));
  await installMesh(cluster);
  // Pods reach the orchestrator by the node's address, which its certificate must therefore name.
  orchestrator = cleanUp.use(
    await startOrchestrator({ publicAddress: async (port) => (await cluster.reverse(port, port)).address }),
  );
  const credentialFile = await orchestrator.addAgent('east');
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'forbidden' } });
  await installAgent(cluster, { credentialFile, namespaces: [namespace] });
}, 600_000);

afterAll(async () => cleanUp.disposeAsync());

function application(version: string, more: Partial<ApplicationOptions> = {}): Promise<string> {
  const options = { name: 'web', account: 'east', namespace, image, version, steps: [setWeight(10), setWeight(50)] };
  return writeApplication(orchestrator.folder, { ...options, ...more });
}

async function outcomeOf(file: string): Promise<{ state: string; story: string }> {
  const id = await deploy(orchestrator, file);
  const { state } = await endOf(orchestrator, id);
  return { state, story: told(await eventsOf(orchestrator, id)) };
}

describe('the installed agent', () => {
  it('is connected, and the orchestrator says so', async () => {
    const { code, stdout } = await orchestrator.sluice(['agents']);
    expect(code).toBe(0);
    expect(stdout).toContain('east');
  });

  it('can do nothing but what its Role lists', async () => {
    const account = `system:serviceaccount:${agentNamespace}:sluice-agent`;
    const may = async (...what: string[]): Promise<string> =>
      (await cluster.kubectl(['auth', 'can-i', ...what, '--as', account]).catch(() => 'no')).trim();
    expect(await may('patch', 'deployments', '-n', namespace)).toBe('yes');
    expect(await may('patch', 'deployments', '-n', 'forbidden')).toBe('no');
    expect(await may('get', 'secrets', '-n', namespace)).toBe('no');
    expect(await may('get', 'secrets', '-n', agentNamespace)).toBe('no');
    expect(await may('create', 'rolebindings', '-n', namespace)).toBe('no');
    expect(await may('list', 'nodes')).toBe('no');
  });

  it('carries a first deployment and a canary to promotion, and leaves nothing', async () => {
    expect(await outcomeOf(await application('v1'))).toMatchObject({ state: 'succeeded' });
    expect(await outcomeOf(await application('v2'))).toMatchObject({ state: 'succeeded' });
    const template = '{.spec.template.spec.containers[0].env[0].value}';
    const version = await cluster.kubectl(['-n', namespace, 'get', 'deployment', 'web', '-o', `jsonpath=${template}`]);
    expect(version).toBe('v2');
    const services = await cluster.kubectl(['-n', namespace, 'get', 'services,trafficsplits,httproutes', '-o', 'name']);
    expect(services.trim().split('\n')).toEqual(['service/web']);
  });

  it('goes on with a canary when its pod is deleted in the middle', async () => {
    const steps = [setWeight(10), { pause: { duration: 5, unit: 'seconds' } }, setWeight(50)];
    const id = await deploy(orchestrator, await application('v3', { steps }));
    await eventThat(orchestrator, id, ({ kind }) => kind === 'pause');
    await cluster.kubectl(['-n', agentNamespace, 'delete', 'pod', '-l', 'app.kubernetes.io/name=sluice-agent']);
    await agentReady(cluster);
    expect(await endOf(orchestrator, id)).toMatchObject({ state: 'succeeded' });
  });

  it('refuses a namespace that it was not given, and nothing is changed there', async () => {
    const id = await deploy(orchestrator, await application('v1', { name: 'intruder', namespace: 'forbidden' }));
    await endOf(orchestrator, id);
    expect((await deploymentOf(orchestrator, id)).state).toBe('failed');
    expect(told(await eventsOf(orchestrator, id))).toContain('forbidden');
    const objects = await cluster.kubectl(['-n', 'forbidden', 'get', 'deployments,services', '-o', 'name']);
    expect(objects.trim()).toBe('');
  });
});
