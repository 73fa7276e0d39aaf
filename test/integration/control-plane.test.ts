import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { openApi, until } from '../cluster/api.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startControlPlane } from '../cluster/control-plane.ts';

let plane: ControlPlane;

beforeAll(async () => {
  const start = performance.now();
  plane = await startControlPlane();
  console.log(`control plane ready in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}, 900_000);

afterAll(() => plane.stop());

test('stores and returns objects, as Kubernetes 1.37', async () => {
  const version = await plane.api.call('GET', '/version');
  expect(version.body).toMatchObject({ major: '1', minor: '37' });
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web:v1' }] },
      },
    },
  };
  const made = await plane.api.call('POST', '/apis/apps/v1/namespaces/default/deployments', deployment);
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({ spec: { replicas: 1, progressDeadlineSeconds: 600 } });
});

test('pods can be made by hand, with no ServiceAccount there', async () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'by-hand' },
    spec: { containers: [{ name: 'web', image: 'web:v1' }] },
  };
  expect((await plane.api.call('POST', '/api/v1/namespaces/default/pods', pod)).status).toBe(201);
});

test('RBAC holds: a ServiceAccount may do nothing until a Role says so', async () => {
  using api = await asServiceAccount('demo', 'agent');
  const path = '/api/v1/namespaces/demo/services';
  expect((await api.call('GET', path)).status).toBe(403);
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/demo';
  await plane.api.call('POST', `${roles}/roles`, {
    metadata: { name: 'agent' },
    rules: [{ apiGroups: [''], resources: ['services'], verbs: ['list'] }],
  });
  await plane.api.call('POST', `${roles}/rolebindings`, {
    metadata: { name: 'agent' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'agent' },
    subjects: [{ kind: 'ServiceAccount', name: 'agent', namespace: 'demo' }],
  });
  await until('the Role to be seen', async () => (await api.call('GET', path)).status === 200, { timeoutMs: 10_000 });
});

test('TLS is real: a caller that does not know the CA refuses it', async () => {
  using api = openApi({ url: plane.url, authority: '', credential: { token: 'none' } });
  await expect(api.call('GET', '/version')).rejects.toThrow(/certificate/);
});

test('kill -9 of its owner leaves no process and no folder', async () => {
  const script = join(import.meta.dirname, '../cluster/control-plane.ts');
  const source = `const { startControlPlane } = await import(${JSON.stringify(script)});
    console.log(JSON.stringify((({ kubeconfig, url }) => ({ kubeconfig, url }))(await startControlPlane())));
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const { kubeconfig, url } = JSON.parse(line.toString()) as { kubeconfig: string; url: string };
  expect(existsSync(kubeconfig)).toBe(true);
  owner.kill('SIGKILL');
  const folder = dirname(kubeconfig);
  await until('the folder to go', async () => !existsSync(folder), { timeoutMs: 10_000 });
  await expect(fetch(url)).rejects.toThrow(/fetch failed/);
});

async function asServiceAccount(namespace: string, name: string): Promise<ReturnType<typeof openApi>> {
  const path = await plane.kubeconfigFor(namespace, name);
  const config = parse(await readFile(path, 'utf8')) as {
    clusters: [{ cluster: { 'certificate-authority-data': string } }];
    users: [{ user: { token: string } }];
  };
  const authority = Buffer.from(config.clusters[0].cluster['certificate-authority-data'], 'base64').toString();
  return openApi({ url: plane.url, authority, credential: { token: config.users[0].user.token } });
}
