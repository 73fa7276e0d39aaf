/** The rights that pre-flight asks for are those that the runs need: an agent with exactly these carries them out. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { neededAccess, type Needs } from '../../src/orchestrator/plan/access.ts';
import type { AccessRule } from '../../src/protocol/operation.ts';
import { setWeight, writeApplication, type ApplicationOptions } from '../support/application.ts';
import { startOrchestrator, type Orchestrator } from '../support/harness.ts';
import { namesOf, versionsOf } from '../support/namespace-state.ts';
import { deploy, endOf, eventsOf, told, type SeenDeployment } from '../support/rollout-watch.ts';
import { appImageName } from '../support/shared-cluster.ts';
import { QUICK_DRAIN, startWorld, type World } from '../support/world.ts';

const app = 'shop';
const namespace = 'canary-rights';
const canary: Needs = { isFirst: false, hasSplit: true, hasRoutes: true, hasProfiles: true, hasJobs: false };
const job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'smoke' },
  spec: {
    backoffLimit: 0,
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [
          {
            name: 'smoke',
            image: appImageName,
            imagePullPolicy: 'IfNotPresent',
            env: [{ name: 'CRASH_AT_START', value: 'true' }],
          },
        ],
      },
    },
  },
};
const runJob = { runJob: { name: 'smoke', inline: JSON.stringify(job) } };

let world: World;
let orchestrator: Orchestrator;

beforeAll(async () => {
  world = await startWorld({ namespaces: [namespace] });
  const kubeconfig = await world.cluster.kubeconfigFor(namespace, 'agent');
  await grant(neededAccess({ ...canary, isFirst: true }));
  await world.cluster.apply([
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'agent', namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'agent' },
      subjects: [{ kind: 'ServiceAccount', name: 'agent', namespace }],
    },
  ]);
  orchestrator = await startOrchestrator({ env: QUICK_DRAIN });
  await orchestrator.startAgent({ account: 'east', kubeconfig, namespaces: [namespace] });
});

afterAll(async () => {
  await orchestrator?.stop();
  await world?.[Symbol.asyncDispose]();
});

/** The agent may do this and nothing else. */
async function grant(rules: AccessRule[]): Promise<void> {
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'agent', namespace },
    rules: rules.map(({ group, resource, verb }) => ({ apiGroups: [group], resources: [resource], verbs: [verb] })),
  };
  await world.cluster.apply([role]);
}

async function ship(version: string, steps: unknown[]): Promise<{ end: SeenDeployment; story: string }> {
  const options: ApplicationOptions = { name: app, account: 'east', namespace, image: appImageName, version, steps };
  const id = await deploy(orchestrator, await writeApplication(orchestrator.folder, options));
  return { end: await endOf(orchestrator, id), story: told(await eventsOf(orchestrator, id)) };
}

test('a first deployment, a promotion and a rollback succeed with just what they ask for', async () => {
  const first = await ship('v1', []);
  expect(first.end.state, first.story).toBe('succeeded');
  await grant(neededAccess(canary));
  const promoted = await ship('v2', [setWeight(50)]);
  expect(promoted.end.state, promoted.story).toBe('succeeded');
  expect(promoted.story).toContain('warning: whether there is room');
  await grant(neededAccess({ ...canary, hasJobs: true }));
  const rolledBack = await ship('v3', [setWeight(50), runJob]);
  expect(rolledBack.end.state, rolledBack.story).toBe('rolledBack');
  expect(rolledBack.story).toContain('job.log: ');
  expect(rolledBack.story).toContain('job smoke failed');
  const names = await namesOf(world.kube, namespace);
  expect(names.filter((name) => !name.startsWith('ReplicaSet '))).toEqual([`Deployment ${app}`, `Service ${app}`]);
}, 180_000);

test('a Job without the rights for it is refused before anything is changed, each right by name', async () => {
  await grant(neededAccess(canary));
  const before = await versionsOf(world.kube, namespace);
  const { end, story } = await ship('v4', [setWeight(50), runJob]);
  expect(end.state, story).toBe('failed');
  for (const right of ['create jobs.batch', 'delete jobs.batch', 'get pods/log']) {
    expect(story).toContain(`may not ${right}`);
  }
  expect(await versionsOf(world.kube, namespace)).toEqual(before);
}, 60_000);
