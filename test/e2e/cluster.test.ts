import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../cluster/api.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { startCluster } from '../cluster/cluster.ts';
import { goProgram } from '../cluster/go-build.ts';
import { buildImage } from '../cluster/image.ts';

const image = 'sluice.test/probe:1';
let archive: string;
let cluster: Cluster;

beforeAll(async () => {
  const probe = await goProgram(join(import.meta.dirname, '../cluster/probe'));
  archive = await buildImage({ name: image, files: { '/probe': probe }, entrypoint: ['/probe'], user: '65532' });
  cluster = await timed('cluster ready', () => startCluster());
  await cluster.importImage(archive);
  await timed('two pods behind a ClusterIP', () => deployProbe(cluster));
}, 900_000);

afterAll(() => cluster.stop());

test('a Deployment of two pods is Ready behind a ClusterIP, and both answer', async () => {
  const { port, close } = await cluster.forward('probe.default:80');
  const names = new Set<string>();
  await until('both pods to answer', async () => {
    names.add(await get(`http://127.0.0.1:${port}/`));
    return names.size === 2;
  });
  const pods = (await cluster.kubectl(['get', 'pods', '-l', 'app=probe', '-o', 'name'])).trim().split('\n');
  expect(pods.map((name) => name.replace('pod/', '')).sort()).toEqual([...names].sort());
  await close();
  await expect(get(`http://127.0.0.1:${port}/`)).rejects.toThrow(/fetch failed/);
});

test('a pod finds a Service by its short and its full name', async () => {
  for (const name of ['probe', 'probe.default', 'probe.default.svc.cluster.local']) {
    expect(await fromPod(`/fetch?url=http://${name}/`)).toMatch(/^probe-/);
  }
  await expect(fromPod('/fetch?url=http://nobody/')).rejects.toThrow(/502.*no such host/);
});

test('a pod that is gone no longer answers, and its successor does', async () => {
  await cluster.kubectl(['delete', 'pods', '-l', 'app=probe', '--wait']);
  await cluster.kubectl(['rollout', 'status', 'deployment/probe', '--timeout=60s']);
  expect(await fromPod('/')).toMatch(/^probe-/);
});

test('the logs, a command in a pod, and the pod’s own token go through the kubelet and the API', async () => {
  expect(await cluster.kubectl(['logs', 'deployment/probe'])).toContain('listens on :8080');
  await expect(cluster.kubectl(['exec', 'deployment/probe', '--', '/nothing'])).rejects.toThrow(/no such file/);
  const review = JSON.parse(await fromPod('/whoami')) as { status: { userInfo: { username: string } } };
  expect(review.status.userInfo.username).toBe('system:serviceaccount:default:default');
  const agent = await cluster.kubeconfigFor('shop', 'agent');
  expect(await cluster.kubectl(['--kubeconfig', agent, 'auth', 'whoami'])).toContain(
    'system:serviceaccount:shop:agent',
  );
  await expect(cluster.kubectl(['--kubeconfig', agent, 'get', 'pods'])).rejects.toThrow(/forbidden/);
});

test('an image that is not there fails as on any cluster', async () => {
  await cluster.kubectl(['run', 'missing', '--image', 'sluice.test/missing:1', '--image-pull-policy', 'Never']);
  let state = '';
  await until('the pod to have failed', async () => {
    state = await cluster.kubectl(['get', 'pod', 'missing', '--no-headers']);
    return state.includes('Err');
  });
  expect(state).toContain('ErrImageNeverPull');
});

test('a pod reaches a port of this host that is carried in, and no other', async () => {
  const server = createServer((_, response) => response.end('from the host')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const inside = await cluster.reverse(port);
  expect(await fromPod(`/fetch?url=http://${inside.address}/`)).toBe('from the host');
  await expect(fromPod(`/fetch?url=http://127.0.0.1:${port}/`)).rejects.toThrow(/502/);
  await inside.close();
  await expect(fromPod(`/fetch?url=http://${inside.address}/`)).rejects.toThrow(/502/);
  server.close();
});

test('a process started inside resolves names, gets signals, and is reported as it ended', async () => {
  const child = cluster.exec(['sh', '-c', 'getent hosts kubernetes.default.svc; sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  expect(line.toString()).toMatch(/^10\.96\.0\.1\s/);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
});

test('two clusters run side by side and know nothing of each other', async () => {
  await using other = await timed('a second cluster, with its image, ready', () => startCluster({ images: [archive] }));
  await deployProbe(other);
  await other.kubectl(['create', 'namespace', 'only-here']);
  await expect(cluster.kubectl(['get', 'namespace', 'only-here'])).rejects.toThrow(/not found/);
  expect(await fromPod('/', other)).toMatch(/^probe-/);
  expect(await fromPod('/')).toMatch(/^probe-/);
  await other.stop();
  expect(existsSync(other.folder)).toBe(false);
  expect(leftCgroups(other.folder)).toEqual([]);
  expect(await fromPod('/')).toMatch(/^probe-/);
});

async function deployProbe(to: Cluster): Promise<void> {
  const labels = { app: 'probe' };
  const container = {
    name: 'probe',
    image,
    imagePullPolicy: 'Never',
    readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
    resources: { limits: { memory: '64Mi', cpu: '500m' } },
    securityContext: {
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
  await to.apply([
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'probe', namespace: 'default' },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container], terminationGracePeriodSeconds: 1 } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'probe', namespace: 'default' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    },
  ]);
  await to.kubectl(['rollout', 'status', 'deployment/probe', '--timeout=60s']);
}

/** Asks the probe through its Service; the first answer may have to wait for kube-proxy. */
async function fromPod(path: string, of: Cluster = cluster): Promise<string> {
  const { port, close } = await of.forward('probe.default:80');
  try {
    await until('the Service to answer', async () => (await get(`http://127.0.0.1:${port}/`)) !== '');
    return await get(`http://127.0.0.1:${port}${path}`);
  } finally {
    await close();
  }
}

async function get(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  const text = await response.text();
  if (response.status >= 300) throw new Error(`${response.status} ${text}`);
  return text;
}

function leftCgroups(folder: string): string[] {
  const name = folder.split('/').at(-1) ?? '';
  const trees = ['.', ...readdirSync('/sys/fs/cgroup')].map((tree) => join('/sys/fs/cgroup', tree, name));
  return trees.filter((path) => existsSync(path));
}

async function timed<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  const start = performance.now();
  const result = await work();
  console.log(`${what} after ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}
