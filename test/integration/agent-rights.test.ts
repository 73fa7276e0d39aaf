/** What the agent may do is what its chart says: with exactly the rendered Role, by its own refusal, and by the API server's. */

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/mesh/install-crds.ts';
import { program } from '../cluster/programs.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { SmallHub } from '../support/small-hub.ts';
import type { Policy, Right } from '../../src/agent/operations/policy.ts';
import { readPolicyFile } from '../../src/agent/policy-file.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import { decodeMissingRights } from '../../src/protocol/missing-rights.ts';
import type { OperationSpec, ResultValue } from '../../src/protocol/operation.ts';

const chart = join(import.meta.dirname, '../../helm/agent');

let plane: ControlPlane;
let folder: string;
let policy: Omit<Policy, 'allowedNamespaces'>;
/** With the rendered policy, and with none: as exactly the rendered ServiceAccount. */
let bound: { hub: SmallHub; agent: TestAgent };
let unbound: { hub: SmallHub; agent: TestAgent };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-rights-'));
  plane = await startControlPlane();
  await installCrds(plane.api);
  for (const name of ['sluice', 'shop', 'other']) await make('/api/v1/namespaces', named('v1', 'Namespace', name));
  const objects = await render();
  for (const object of objects) {
    const { namespace = '' } = object.metadata;
    if (object.kind === 'Role') await make(`/apis/${object.apiVersion}/namespaces/${namespace}/roles`, object);
    if (object.kind === 'RoleBinding')
      await make(`/apis/${object.apiVersion}/namespaces/${namespace}/rolebindings`, object);
  }
  const path = join(folder, 'policy.json');
  const stored = objects.find(({ kind }) => kind === 'ConfigMap')?.['data'] as Record<string, string>;
  await writeFile(path, stored['policy.json'] ?? '');
  policy = readPolicyFile(path);
  const account = objects.find(({ kind }) => kind === 'ServiceAccount')?.metadata.name ?? '';
  const kubeconfig = await plane.kubeconfigFor('sluice', account);
  bound = await connect(kubeconfig, ['shop'], policy);
  unbound = await connect(kubeconfig, ['shop', 'other', 'sluice'], {});
}, 900_000);

afterAll(async () => {
  for (const each of [bound, unbound]) {
    await each?.agent.stop();
    await each?.hub[Symbol.asyncDispose]();
  }
  await plane?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function render(): Promise<KubeObject[]> {
  const args = ['template', 'agent', chart, '--namespace', 'sluice', '--set', 'allowedNamespaces={shop}'];
  const { status, stdout, stderr } = spawnSync(await program('helm'), args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS() as KubeObject);
}

async function connect(kubeconfig: string, namespaces: string[], rules: Omit<Policy, 'allowedNamespaces'>) {
  const hub = await new SmallHub().listen();
  const server = `127.0.0.1:${hub.port}`;
  // Its first word is to say what it lacks, however busy the machine is.
  const agent = await startAgent({ server, kubeconfig, namespaces, policy: rules, reviewMs: 30_000 });
  await hub.connected();
  return { hub, agent };
}

async function make(path: string, object: KubeObject): Promise<void> {
  const { status, body } = await plane.api.call('POST', path, object);
  if (status !== 201) throw new Error(`POST ${path}: ${JSON.stringify(body)}`);
}

function named(apiVersion: string, kind: string, name: string, more: Record<string, unknown> = {}): KubeObject {
  return { apiVersion, kind, metadata: { name }, ...more };
}

const pods = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'x', image: 'x' }] } };
const selector = { matchLabels: { app: 'x' } };
const job = { template: { spec: { ...pods.spec, restartPolicy: 'Never' } } };

/** One object of each kind that the Role lets it write. */
const SAMPLES: Record<string, KubeObject> = Object.fromEntries(
  [
    named('apps/v1', 'Deployment', 'x', { spec: { selector, template: pods } }),
    named('apps/v1', 'ReplicaSet', 'x', { spec: { selector, template: pods } }),
    named('v1', 'Service', 'x', { spec: { ports: [{ port: 80 }] } }),
    named('split.smi-spec.io/v1alpha2', 'TrafficSplit', 'x', { spec: { service: 'x', backends: [] } }),
    named('gateway.networking.k8s.io/v1', 'HTTPRoute', 'x', { spec: {} }),
    named('batch/v1', 'Job', 'x', { spec: job }),
    named('v1', 'ConfigMap', 'x', { data: {} }),
    named('v1', 'ServiceAccount', 'x'),
    named('autoscaling/v2', 'HorizontalPodAutoscaler', 'x', {
      spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' } },
    }),
    named('batch/v1', 'CronJob', 'x', { spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: job } } }),
    named('networking.k8s.io/v1', 'Ingress', 'x', {
      spec: { defaultBackend: { service: { name: 'x', port: { number: 80 } } } },
    }),
    named('policy/v1', 'PodDisruptionBudget', 'x', { spec: { selector, maxUnavailable: 1 } }),
  ].map((object) => [object.kind, object]),
);

/** For kinds that it may only read, or delete. */
const VERSIONS: Record<string, string> = {
  Pod: 'v1',
  EndpointSlice: 'discovery.k8s.io/v1',
  ServiceProfile: 'linkerd.io/v1alpha2',
  ResourceQuota: 'v1',
  LimitRange: 'v1',
};

function rightsByKind(): { kind: string; apiVersion: string; right: Right }[] {
  const rights = policy.rights ?? [];
  return rights.flatMap((right) =>
    right.kinds.map((kind) => ({ kind, apiVersion: SAMPLES[kind]?.apiVersion ?? VERSIONS[kind] ?? '', right })),
  );
}

const ref = ({ apiVersion, kind, metadata: { name } }: KubeObject) => ({ apiVersion, kind, name });

test('each kind that the Role lets it write is made, read, listed, changed and removed by the agent', async () => {
  const written = rightsByKind().filter(({ right }) => right.verbs.includes('create') && right.verbs.includes('patch'));
  expect(written.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(SAMPLES).toSorted());
  for (const { kind, apiVersion } of written) {
    const sample = SAMPLES[kind] as KubeObject;
    const steps: OperationSpec[] = [
      { kind: 'apply', objects: [sample], dryRun: true },
      { kind: 'apply', objects: [sample] },
      { kind: 'get', object: ref(sample) },
      { kind: 'list', apiVersion, objectKind: kind, namespace: 'shop' },
      { kind: 'patch', object: ref(sample), type: 'merge', body: { metadata: { labels: { changed: 'yes' } } } },
      ...(kind === 'Deployment' || kind === 'ReplicaSet'
        ? [{ kind: 'scale', object: ref(sample), replicas: 2 } as const]
        : []),
      { kind: 'delete', object: ref(sample), propagation: 'background' },
    ];
    for (const spec of steps) {
      const result = await bound.hub.run('shop', spec);
      expect(result, `${spec.kind} ${kind}: ${result.message}`).toMatchObject({ state: 'succeeded' });
    }
  }
});

test('what it may only read is read, and what it may only delete is deleted', async () => {
  const profile = named('linkerd.io/v1alpha2', 'ServiceProfile', 'x.shop.svc.cluster.local', { spec: {} });
  await make('/apis/linkerd.io/v1alpha2/namespaces/shop/serviceprofiles', profile);
  await bound.hub.value('shop', { kind: 'delete', object: ref(profile), propagation: 'background' });
  for (const { kind, apiVersion, right } of rightsByKind().filter(({ kind: each }) => each in VERSIONS)) {
    expect(right.verbs).toContain('list');
    await bound.hub.value('shop', { kind: 'list', apiVersion, objectKind: kind, namespace: 'shop' });
  }
  await bound.hub.value('shop', { kind: 'logs', namespace: 'shop', labelSelector: 'app=x', tailLines: 1 });
  await bound.hub.value('shop', { kind: 'discover', groups: ['apps'] });
  // Watching is no operation: the API server is asked.
  const rules = [{ group: '', resource: 'pods', verb: 'watch' }];
  expect(await bound.hub.value('shop', { kind: 'reviewAccess', namespace: 'shop', rules })).toEqual({ denied: [] });
});

describe('everything else is refused twice: by its own policy, and with no policy by the API server', () => {
  const secret = named('v1', 'Secret', 'x', { stringData: { a: 'b' } });
  const role = named('rbac.authorization.k8s.io/v1', 'Role', 'x', { rules: [] });
  const binding = named('rbac.authorization.k8s.io/v1', 'RoleBinding', 'x', {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [],
  });
  const set = named('apps/v1', 'StatefulSet', 'x', { spec: { selector, serviceName: 'x', template: pods } });
  const profile = named('linkerd.io/v1alpha2', 'ServiceProfile', 'x.shop.svc.cluster.local', { spec: {} });
  const pod = named('v1', 'Pod', 'x', { spec: pods.spec });

  const refused: [string, OperationSpec][] = [
    ['read a Secret', { kind: 'get', object: ref(secret) }],
    ['list Secrets', { kind: 'list', apiVersion: 'v1', objectKind: 'Secret', namespace: 'shop' }],
    ['write a Secret', { kind: 'apply', objects: [secret] }],
    ['delete a Secret', { kind: 'delete', object: ref(secret), propagation: 'background' }],
    ['give itself a Role', { kind: 'apply', objects: [role] }],
    ['bind itself to more', { kind: 'apply', objects: [binding] }],
    ['write a kind that is not listed', { kind: 'apply', objects: [set] }],
    ['scale a kind that is not listed', { kind: 'scale', object: ref(set), replicas: 3 }],
    ['write what it may only delete', { kind: 'patch', object: ref(profile), type: 'merge', body: { spec: {} } }],
    ['write what it may only read', { kind: 'apply', objects: [pod] }],
    ['delete what it may only read', { kind: 'delete', object: ref(pod), propagation: 'background' }],
  ];

  test.each(refused)('%s', async (_what, spec) => {
    expect(await bound.hub.run('shop', spec)).toMatchObject({ state: 'rejected', code: 'POLICY' });
    const result = await unbound.hub.run('shop', spec);
    expect(result, result.message).toMatchObject({ state: 'failed', code: 'FORBIDDEN' });
  });

  const web = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' };
  const elsewhere: [string, OperationSpec][] = [
    ['apply', { kind: 'apply', objects: [SAMPLES['ConfigMap'] as KubeObject] }],
    ['a trial apply', { kind: 'apply', objects: [SAMPLES['ConfigMap'] as KubeObject], dryRun: true }],
    ['patch', { kind: 'patch', object: web, type: 'merge', body: {} }],
    ['scale', { kind: 'scale', object: web, replicas: 1 }],
    ['delete', { kind: 'delete', object: web, propagation: 'background' }],
    ['get', { kind: 'get', object: web }],
    ['list', { kind: 'list', apiVersion: 'v1', objectKind: 'Pod', namespace: 'other' }],
    ['logs', { kind: 'logs', namespace: 'other', labelSelector: 'a=b', tailLines: 1 }],
    ['scrape', { kind: 'scrape', namespace: 'other', labelSelector: 'a=b', port: 4191, path: '/', metrics: [] }],
  ];

  test.each(elsewhere)('%s in a namespace that is not listed', async (_what, spec) => {
    expect(await bound.hub.run('other', spec)).toMatchObject({ state: 'rejected', code: 'POLICY' });
    const result = await unbound.hub.run('other', spec);
    expect(result, result.message).toMatchObject({ state: 'failed', code: 'FORBIDDEN' });
  });

  test('its own rights elsewhere are none, and it can say so', async () => {
    const rules = [{ group: 'apps', resource: 'deployments', verb: 'patch' }];
    const review: OperationSpec = { kind: 'reviewAccess', namespace: 'other', rules };
    expect(await bound.hub.run('other', review)).toMatchObject({ state: 'rejected', code: 'POLICY' });
    expect(await unbound.hub.value<ResultValue['reviewAccess']>('other', review)).toEqual({ denied: rules });
  });
});

describe('at its start the agent says which rights of a canary it lacks', () => {
  const lacking = ({ hub }: { hub: SmallHub }) => {
    const hello = hub.hellos.at(-1);
    expect(hello?.rightsReviewed).toBe(true);
    return decodeMissingRights(hello?.missingRights ?? []);
  };

  test('with the Role of its chart: none', () => {
    expect(lacking(bound)).toEqual([]);
  });

  test('where it has no Role: each, and only there', () => {
    const missing = lacking(unbound);
    expect(new Set(missing.map(({ namespace }) => namespace))).toEqual(new Set(['other', 'sluice']));
    expect(missing).toContainEqual({ namespace: 'other', group: 'apps', resource: 'deployments', verb: 'patch' });
    expect(missing).toContainEqual({ namespace: 'other', group: '', resource: 'pods/log', verb: 'get' });
    expect(missing).toContainEqual({
      namespace: 'other',
      group: 'split.smi-spec.io',
      resource: 'trafficsplits',
      verb: 'create',
    });
  });
});
