/** What a release costs the API server, counted at its door. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { setWeight, writeApplication, type ApplicationOptions } from '../support/application.ts';
import { startCountingApi, type CountingApi } from '../support/counting-api.ts';
import { startOrchestrator, type Orchestrator } from '../support/harness.ts';
import { deploy, endOf, eventsOf, told } from '../support/rollout-watch.ts';
import { appImageName } from '../support/shared-cluster.ts';
import { QUICK_DRAIN, startWorld, type World } from '../support/world.ts';

const app = 'shop';
const namespace = 'canary-requests';
/** Of design section 11, for a release of five steps; watches are counted by themselves: one for each kind, not for each run. */
const MOST = 80;

let world: World;
let orchestrator: Orchestrator;
let api: CountingApi;

beforeAll(async () => {
  world = await startWorld({ namespaces: [namespace] });
  api = await startCountingApi(await world.cluster.kubeconfigFor(namespace, 'agent'));
  await world.cluster.apply([
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'agent', namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: 'agent', namespace }],
    },
  ]);
  orchestrator = await startOrchestrator({ env: QUICK_DRAIN });
  await orchestrator.startAgent({ account: 'east', kubeconfig: api.kubeconfig, namespaces: [namespace] });
});

afterAll(async () => {
  await orchestrator?.stop();
  await api?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

async function cost(
  version: string,
  more: Partial<ApplicationOptions>,
): Promise<{ requests: string[]; watches: number }> {
  const begin = api.seen.length;
  const options = { name: app, account: 'east', namespace, image: appImageName, version, ...more };
  const id = await deploy(orchestrator, await writeApplication(orchestrator.folder, options));
  expect((await endOf(orchestrator, id)).state, told(await eventsOf(orchestrator, id))).toBe('succeeded');
  const seen = api.seen.slice(begin);
  const requests = seen.filter(({ isWatch }) => !isWatch).map(({ method, url }) => `${method} ${url}`);
  return { requests, watches: seen.length - requests.length };
}

test('a release of five steps asks the API server at most 80 times, with retain: true as well', async () => {
  const steps = [5, 10, 25, 50, 75].map(setWeight);
  await cost('v1', { steps: [] });
  const plain = await cost('v2', { steps });
  const first = await cost('v3', { steps, smi: { retain: true } });
  const second = await cost('v4', { steps, smi: { retain: true } });
  for (const [name, { requests, watches }] of Object.entries({ plain, first, second })) {
    console.log(`${name}: ${requests.length} requests and ${watches} watches`);
    expect(requests.length, requests.join('\n')).toBeLessThanOrEqual(MOST);
  }
}, 240_000);

test('and the orchestrator has counted them, step by step', async () => {
  const lines = (await (await fetch(`${orchestrator.url}/metrics`)).text()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'sluice_deployments_ended_total{outcome="succeeded"} 4',
      'sluice_step_duration_seconds_count{step="preparation"} 4',
      // Three releases of five steps, and 100 % in each promotion.
      'sluice_step_duration_seconds_count{step="setWeight"} 15',
      'sluice_step_duration_seconds_count{step="promotion"} 3',
      'sluice_weight_changes_total 18',
      'sluice_deployments{state="running"} 0',
    ]),
  );
});
