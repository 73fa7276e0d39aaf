/** A Linkerd without Gateway API, pods that misbehave when told to, and backends without pods. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../cluster/api.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { startCluster } from '../cluster/cluster.ts';
import { changeApp } from '../cluster/mesh/app.ts';
import { installMesh } from '../cluster/mesh/install.ts';
import type { ClientCounts } from '../cluster/mesh/counts.ts';
import type { Load } from '../cluster/mesh/load.ts';
import { startLoad } from '../cluster/mesh/load.ts';
import { appArchives } from '../cluster/mesh/program-images.ts';
import { openShop } from '../support/mesh-shop.ts';

let cluster: Cluster;
let load: Load;

beforeAll(async () => {
  cluster = await startCluster({ images: await appArchives(['sluice.test/app:v1', 'sluice.test/app:v2']) });
  await installMesh(cluster, { httpRoute: false });
  load = await startLoad(cluster);
}, 600_000);

afterAll(() => cluster?.stop());

test('no route is served, a busy client stays at the root, and a split moves a fresh one', async () => {
  expect((await cluster.api.call('GET', '/apis/gateway.networking.k8s.io/v1')).status).toBe(404);
  const shop = await openShop(cluster, 'no-routes', 'split');
  await load.startClient({ name: 'busy', mode: 'meshed', url: shop.url, rate: 100 });
  await delay(300);
  await shop.makeBackends();
  await shop.setWeights(0, 10_000);
  await shop.pointRoot('v1');
  await shop.scale('v2', 1);
  await load.startClient({ name: 'fresh', mode: 'meshed', url: shop.url, rate: 100 });
  await delay(1000);
  const busy = await load.stopClient('busy');
  const fresh = await load.stopClient('fresh');
  expect(busy.stack).toBeNull();
  expect(Object.keys(busy.byVersion)).toEqual(['v1']);
  expect(Object.keys(fresh.byVersion)).toEqual(['v2']);
  expect([busy.failed, fresh.failed]).toEqual([0, 0]);
});

test('an app told to fail, to be unready, or to crash does so, and the counts tell errors from lost requests', async () => {
  const shop = await openShop(cluster, 'faults', 'split');
  await load.startClient({ name: 'witness', mode: 'meshed', url: shop.url, rate: 200 });
  const counts = async (from: string): Promise<ClientCounts | undefined> => {
    await load.mark('now');
    return (await load.between(from, 'now'))['witness'];
  };

  await changeApp(cluster, shop.namespace, 'version=v1', { errorRate: 0.25 });
  await load.mark('failing');
  await delay(2000);
  const failing = await counts('failing');
  // Exactly a quarter of each pod's requests; at the edges of the window a few more or less.
  expect((failing?.serverErrors ?? 0) / (failing?.answered ?? 1)).toBeCloseTo(0.25, 1);
  expect(failing?.failed).toBe(0);
  await changeApp(cluster, shop.namespace, 'version=v1', { errorRate: 0 });

  await changeApp(cluster, shop.namespace, 'version=v1', { ready: false });
  const unready = ['get', 'endpointslices', '-n', shop.namespace, '-o', 'jsonpath={..conditions.ready}'];
  await until('no endpoint to be ready', async () => !(await cluster.kubectl(unready)).includes('true'));
  await load.mark('unready');
  await until('the proxy to fail fast', async () => ((await counts('unready'))?.failures['mesh 504']?.count ?? 0) > 0, {
    timeoutMs: 10_000,
  });
  await changeApp(cluster, shop.namespace, 'version=v1', { ready: true });
  await load.mark('recovering');
  await until('answers again', async () => ((await counts('recovering'))?.answered ?? 0) > 200);

  await load.mark('crashing');
  await changeApp(cluster, shop.namespace, 'version=v1', { crash: 3 });
  const restarts = ['get', 'pods', '-n', shop.namespace, '-o', 'jsonpath={..restartCount}'];
  await until('both to have restarted', async () => (await cluster.kubectl(restarts)).trim() === '1 1');
  // Until the endpoints are gone the proxy still sends there: that is lost, and has to be seen.
  expect((await counts('crashing'))?.failures['connect']?.count).toBeGreaterThan(0);
  await load.stopClient('witness');
});
