/**
 * The acceptance test of the test mesh: what was seen on Linkerd's real data plane (busy, fresh and unmeshed clients
 * through a whole canary, with a TrafficSplit, with an HTTPRoute, and with both) must be seen here too.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../cluster/api.ts';
import type { RunningCluster } from '../cluster/cluster.ts';
import type { ClientCounts, ClientState } from '../cluster/mesh/counts.ts';
import { appImage } from '../cluster/mesh/install.ts';
import type { ClientSpec, Load } from '../cluster/mesh/load.ts';
import { startLoad } from '../cluster/mesh/load.ts';
import { startPrometheus } from '../cluster/mesh/prometheus.ts';
import { binomialInterval } from '../support/binomial.ts';
import type { Holder, Shop } from '../support/mesh-shop.ts';
import { openShop } from '../support/mesh-shop.ts';
import { dropNamespaces, sharedCluster } from '../support/shared-cluster.ts';

const enough = 3000;
const seed = 20261124;
/** Requests a second of each client. */
const rate = 900;
const total = 10_000;
/** Of this file alone, in a cluster that others use too. */
const namespaces: string[] = ['mesh-load'];
let cluster: RunningCluster;
let load: Load;
let marks = 0;

beforeAll(async () => {
  cluster = await sharedCluster();
  await appImage(cluster, ['sluice.test/app:v2']);
  load = await startLoad(cluster, { namespace: 'mesh-load' });
  console.log(`seed ${seed}`);
}, 600_000);

afterAll(async () => {
  await load?.stop();
  await dropNamespaces(cluster, namespaces);
});

function open(namespace: string, holder: Holder): Promise<Shop> {
  namespaces.push(namespace);
  return openShop(cluster, namespace, holder);
}

/** Counts from now until each client has `requests` answers. */
async function measure(clients: string[], requests = enough): Promise<Record<string, ClientCounts>> {
  const before = `mark-${++marks}`;
  const after = `mark-${++marks}`;
  const start = await load.mark(before);
  await until(`${requests} answers of ${clients.join(', ')}`, async () => {
    const now = await load.counts();
    return clients.every(
      (name) => (now.clients[name]?.answered ?? 0) - (start.clients[name]?.answered ?? 0) >= requests,
    );
  });
  await load.mark(after);
  const counted = await load.between(before, after);
  return Object.fromEntries(clients.map((name) => [name, counted[name]!]));
}

function answers(counts: ClientCounts | undefined, version: string): number {
  return counts?.byVersion[version]?.answered ?? 0;
}

/** Within the 99.9 % interval of the binomial distribution; nothing else at 0 and at 1. */
function expectShare(counts: ClientCounts | undefined, share: number): void {
  const n = counts?.answered ?? 0;
  expect(n).toBeGreaterThanOrEqual(enough);
  const [low, high] = binomialInterval(n, share, 0.999);
  expect(answers(counts, 'v2')).toBeGreaterThanOrEqual(low);
  expect(answers(counts, 'v2')).toBeLessThanOrEqual(high);
}

async function start(shop: Shop, name: string, mode: ClientSpec['mode']): Promise<string> {
  const client = `${shop.namespace}-${name}`;
  await load.startClient({ name: client, mode, url: shop.url, rate, seed });
  await until(`${client} to get answers`, async () => ((await load.counts()).clients[client]?.answered ?? 0) > 100);
  return client;
}

type Stack = NonNullable<ClientState['stack']>;

/** Waits until each client's proxy holds what the mesh was told, and what it sent before that has its answer. */
async function proxies(clients: string[], what: string, holds: (stack: Stack) => boolean): Promise<void> {
  let heldAt = '';
  await until(`the proxies of ${clients.join(', ')} to ${what}`, async () => {
    const now = await load.counts();
    const stacks = clients.map((name) => now.clients[name]?.stack);
    heldAt = now.at;
    return stacks.every((stack) => stack !== undefined && stack !== null && holds(stack));
  });
  await until(`the requests of ${clients.join(', ')} from before that to be answered`, async () => {
    const now = await load.counts();
    const oldest = clients.map((name) => now.clients[name]?.oldest ?? '');
    return oldest.every((sentAt) => sentAt === '' || Date.parse(sentAt) > Date.parse(heldAt));
  });
}

/** One that never met the split stays with the root. */
async function follow(clients: string[], share: number): Promise<void> {
  await proxies(clients, `send ${share} to the canary`, ({ via, weights }) => {
    const sum = Object.values(weights).reduce((all, weight) => all + weight, 0);
    const [canary] = Object.entries(weights).filter(([backend]) => backend.startsWith('web-canary'));
    return via === 'root' || (canary?.[1] ?? 0) === share * sum;
  });
}

/** A backend may go once no proxy sends to it. */
async function removeAll(shop: Shop, meshed: string[]): Promise<void> {
  await shop.removeHolders();
  await proxies(meshed, 'know the root alone', ({ via }) => via === 'root');
  await shop.removeBackends();
}

async function stop(clients: string[]): Promise<void> {
  for (const client of clients) {
    const end = await load.stopClient(client);
    expect(end.failures).toEqual({});
    expect(end.failed).toBe(0);
    expect(end.serverErrors).toBe(0);
    expect(end.answered).toBe(end.sent);
  }
}

/** Steps 5 to 8 of the design's canary, then a client that is new to the root. */
async function begin(shop: Shop): Promise<{ busy: string; unmeshed: string; fresh: string }> {
  const busy = await start(shop, 'busy', 'meshed');
  const unmeshed = await start(shop, 'unmeshed', 'unmeshed');
  await shop.makeBackends();
  await shop.setWeights(total, 0);
  await shop.pointRoot('v1');
  await shop.scale('v2', 2);
  const fresh = await start(shop, 'fresh', 'meshed');
  return { busy, unmeshed, fresh };
}

describe.each<{ holder: Holder; busyFollows: boolean }>([
  { holder: 'split', busyFollows: false },
  { holder: 'route', busyFollows: true },
  { holder: 'both', busyFollows: true },
])('a canary whose weights are held by: $holder', ({ holder, busyFollows }) => {
  test('gives fresh clients the asked share, busy ones theirs, unmeshed none, and loses no request', async () => {
    const shop = await open(`mesh-${holder}`, holder);
    const { busy, unmeshed, fresh } = await begin(shop);
    const clients = [busy, unmeshed, fresh];
    for (const canary of [0, 1000, 2500, 5000]) {
      await shop.setWeights(total - canary, canary);
      await follow([busy, fresh], canary / total);
      const counts = await measure(clients);
      expectShare(counts[fresh], canary / total);
      expectShare(counts[busy], busyFollows ? canary / total : 0);
      expectShare(counts[unmeshed], 0);
    }
    await shop.setWeights(0, total);
    await follow([busy, fresh], 1);
    const all = await measure(clients);
    expectShare(all[fresh], 1);
    expectShare(all[busy], busyFollows ? 1 : 0);
    expectShare(all[unmeshed], 0);

    await shop.pointRoot('v2');
    // Connection tracking keeps unmeshed connections on their pods; a busy proxy's plain root follows the Service.
    const moved = await measure([busy, unmeshed], 500);
    expect(answers(moved[unmeshed], 'v1')).toBe(moved[unmeshed]?.answered);
    await shop.scale('v1', 0);
    await shop.pointStable('v2');
    await shop.setWeights(total, 0);
    await shop.pointRoot();
    await removeAll(shop, [busy, fresh]);
    const promoted = await measure(clients, 500);
    for (const client of clients) expect(answers(promoted[client], 'v2')).toBe(promoted[client]?.answered);
    await stop(clients);
  });
});

test('after a rollback in one write, the canary gets no request and none is lost', async () => {
  const shop = await open('mesh-rollback', 'both');
  const { busy, unmeshed, fresh } = await begin(shop);
  const meshed = [busy, fresh];
  await shop.setWeights(total / 2, total / 2);
  await follow(meshed, 0.5);
  await measure(meshed, 500);
  await load.mark('before-rollback');
  const began = performance.now();
  await shop.setWeights(total, 0);
  await load.mark('after-rollback');
  const seconds = (performance.now() - began) / 1000;
  const during = await load.between('before-rollback', 'after-rollback');
  for (const client of meshed) {
    // Half of what was sent meanwhile is the most, even if the write took effect last.
    expect(answers(during[client], 'v2')).toBeLessThan(rate * seconds * 0.5);
    console.log(
      `${client}: ${answers(during[client], 'v2')} at the canary in the ${seconds.toFixed(2)} s of the write`,
    );
  }
  await follow(meshed, 0);
  const after = await measure(meshed);
  for (const client of meshed) expect(answers(after[client], 'v2')).toBe(0);
  await shop.scale('v2', 0);
  await shop.pointRoot();
  await removeAll(shop, meshed);
  await measure([...meshed, unmeshed], 500);
  await stop([...meshed, unmeshed]);
});

test('Prometheus sees what the proxies count, by version, class and client', async () => {
  await using prometheus = await startPrometheus(cluster);
  const shop = await open('mesh-metrics', 'split');
  const client = await start(shop, 'meshed', 'meshed');
  const selector = 'direction="inbound",namespace="mesh-metrics",srv_port="8080",route_name="default"';
  const seen = async (query: string): Promise<number> => (await prometheus.query(query))[0]?.value ?? 0;
  await until('two scrapes', async () => (await seen(`sum(response_total{${selector}})`)) > 500);
  const end = await load.stopClient(client);
  await until(
    'the last scrape',
    async () => (await seen(`sum(response_total{${selector},classification="success",tls="true"})`)) === end.sent,
    { timeoutMs: 10_000 },
  );
  expect(await seen(`sum(response_latency_ms_count{${selector},status_code="200"})`)).toBe(end.sent);
  expect(
    await seen(`histogram_quantile(0.5, sum(rate(response_latency_ms_bucket{${selector}}[1m])) by (le))`),
  ).toBeLessThan(50);
  expect(await seen(`count(count(response_total{${selector},pod_template_hash!="",app="web"}) by (pod))`)).toBe(2);
});
