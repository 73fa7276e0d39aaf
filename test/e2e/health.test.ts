/** What an agent says of pods in trouble on a real node: the kubelet's own statuses, logs and events. */

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RunningCluster } from '../cluster/cluster.ts';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { SmallHub } from '../support/small-hub.ts';
import { appImageName, dropNamespaces, makeNamespaces, sharedCluster } from '../support/shared-cluster.ts';
import type { PodRecord, Snapshot, Watch } from '../../src/protocol/snapshot.ts';

const namespace = 'health';
let cluster: RunningCluster;
let hub: SmallHub;
let agent: TestAgent;

beforeAll(async () => {
  cluster = await sharedCluster();
  await makeNamespaces(cluster, [namespace]);
  hub = await new SmallHub().listen();
  agent = await startAgent({
    server: `127.0.0.1:${hub.port}`,
    kubeconfig: cluster.kubeconfig,
    namespaces: [namespace],
  });
  await hub.connected();
}, 900_000);

afterAll(async () => {
  await agent?.stop();
  await hub?.[Symbol.asyncDispose]();
  await dropNamespaces(cluster, [namespace]);
});

beforeEach(() => {
  hub.snapshots.length = 0;
});

async function run(name: string, container: object, pod: object = {}): Promise<void> {
  const labels = { app: name };
  const containers = [{ name: 'app', image: appImageName, imagePullPolicy: 'IfNotPresent', ...container }];
  await cluster.apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers, terminationGracePeriodSeconds: 1, ...pod } },
    },
  });
  const watch: Watch = { id: name, namespace, deployment: name, services: [], routes: [], profiles: [], jobs: [] };
  hub.watch(watch);
}

/** The first pod of a picture that is so. */
async function pod(what: string, name: string, is: (record: PodRecord) => boolean): Promise<PodRecord> {
  const found = (each: Snapshot): PodRecord | undefined => (each.watchId === name ? each.pods.find(is) : undefined);
  const { snapshot } = await hub.until(what, () => hub.snapshots.find((each) => found(each.snapshot)), 90_000);
  return found(snapshot)!;
}

const env = (variables: Record<string, string>) => ({
  env: Object.entries(variables).map(([key, value]) => ({ name: key, value })),
});

test('a crash shows its exit code at once and then its last log lines; the loop shows them too', async () => {
  await run('crashing', env({ CRASH_AFTER_MS: '1500' }));
  const told = await pod('the crash', 'crashing', ({ failing, restarts }) => failing || restarts > 0);
  expect(told.message).toContain('container app exited with code 1');
  const explained = await pod('its last lines', 'crashing', ({ logTail }) => logTail !== undefined);
  expect(explained.logTail).toMatch(/crashing now, as asked$/);
  const loop = await pod(
    'the loop',
    'crashing',
    ({ reason, logTail }) => reason === 'CrashLoopBackOff' && logTail !== undefined,
  );
  expect(loop.message).toMatch(
    /^container app exited with code 1; it is started again and again \(restarts: \d, pause: 10s\)$/,
  );
  expect(loop.logTail).toMatch(/crashing now, as asked$/);
  expect(loop.failing).toBe(true);
});

test('a liveness probe that fails is named beside the end that it brought', async () => {
  const livenessProbe = { httpGet: { path: '/', port: 9 }, periodSeconds: 1, failureThreshold: 2 };
  await run('hanging', { ...env({ DRAIN_QUIET_MS: '1' }), livenessProbe });
  const record = await pod('the probe', 'hanging', ({ message }) => message.includes('Liveness probe failed'));
  expect(record.logTail).toBeDefined();
});

test('a readiness probe that fails is named by what it got for an answer', async () => {
  await run('unready', {
    ...env({ READY: 'false' }),
    readinessProbe: { httpGet: { path: '/readyz', port: 9 }, periodSeconds: 1 },
  });
  await pod('that it is not ready', 'unready', ({ reason }) => reason === 'NotReady');
  const record = await pod('the probe', 'unready', ({ reason }) => reason === 'ReadinessProbeFailed');
  expect(record.message).toMatch(/^Readiness probe failed: .*connection refused/);
  expect(record).toMatchObject({ failing: false, ready: false });
});

test('a Secret that is missing is named: as a variable by the kubelet’s status, as a volume by its events', async () => {
  const secretKeyRef = { name: 'web-keys', key: 'token' };
  await run('no-variable', { env: [{ name: 'TOKEN', valueFrom: { secretKeyRef } }] });
  const variable = await pod('it', 'no-variable', ({ reason }) => reason === 'CreateContainerConfigError');
  expect(variable.message).toContain('secret "web-keys" not found');
  await run(
    'no-volume',
    { volumeMounts: [{ name: 'keys', mountPath: '/keys' }] },
    { volumes: [{ name: 'keys', secret: { secretName: 'web-keys' } }] },
  );
  const volume = await pod('it', 'no-volume', ({ reason }) => reason === 'FailedMount');
  expect(volume.message).toContain('secret "web-keys" not found');
});

test('what no node can take says what is missing, in the scheduler’s words', async () => {
  await run('huge', { resources: { requests: { cpu: '1000' } } });
  const record = await pod('it', 'huge', ({ reason }) => reason === 'Unschedulable');
  expect(record.message).toContain('Insufficient cpu');
});
