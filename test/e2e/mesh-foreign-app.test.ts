/** The app must pass for an application of somebody else: their manifests unchanged, under their image names. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../cluster/api.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { neverPull } from '../cluster/mesh/install.ts';
import { startLoad } from '../cluster/mesh/load.ts';
import { startMeshCluster } from '../support/mesh-cluster.ts';

const fixtures = join(import.meta.dirname, '../../../shared/fixtures/armory');
const read = (name: string): string => readFileSync(join(fixtures, name), 'utf8');
/** A manifest names this namespace, and so does another test's: the two cannot share a cluster. */
const namespace = 'borealis';

describe.runIf(existsSync(fixtures))('the older product’s demo application (needs ../shared/fixtures)', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    const name = 'index.docker.io/armory/potatofacts';
    const images = ['v1', 'v2'].map((tag) => ({ name: `${name}:${tag}`, ports: [9001, 3001] }));
    cluster = await startMeshCluster(images);
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await neverPull(cluster, namespace);
  }, 600_000);

  afterAll(() => cluster?.stop());

  async function version(image: string): Promise<void> {
    await cluster.kubectl(['rollout', 'status', 'deployment/potato-facts', '-n', namespace, '--timeout=90s']);
    const path = ['get', 'deployment', 'potato-facts', '-n', namespace, '-o'];
    expect(await cluster.kubectl([...path, 'jsonpath={.spec.template.spec.containers[0].image}'])).toBe(image);
  }

  test('becomes ready, answers, and rolls to its next version without a lost request', async () => {
    const apply = (name: string): Promise<string> => cluster.kubectl(['apply', '-n', namespace, '-f', '-'], read(name));
    await apply('30-manifest-potato-facts-deployment-hpa.yaml');
    await apply('32-manifest-external-services-linkerd.yaml');
    await apply('33-manifest-internal-preview-services.yaml');
    await version('index.docker.io/armory/potatofacts:v2');

    await using load = await startLoad(cluster);
    const url = `http://potato-facts-external.${namespace}/`;
    const clients = ['meshed', 'unmeshed'] as const;
    // 100 m of CPU, four pods: not much more than a whole client can be asked of them.
    for (const mode of clients) await load.startClient({ name: mode, mode, url, rate: 40, concurrency: 4 });
    const sees = (wanted: string, from: string): Promise<void> =>
      until(`${wanted} to answer`, async () => {
        await load.mark('now');
        const counts = await load.between(from, 'now');
        return clients.every((name) => (counts[name]?.byVersion[wanted]?.answered ?? 0) > 40);
      });
    await load.mark('start');
    await sees('v1.5.1', 'start');
    await apply('39a-manifest-potato-facts-v2.yaml');
    await version('index.docker.io/armory/potatofacts:v2');
    await sees('v2', 'start');
    for (const name of clients) {
      const end = await load.stopClient(name);
      expect(end.failures).toEqual({});
      expect(Object.keys(end.byVersion).sort()).toEqual(['v1.5.1', 'v2']);
      expect(end.answered).toBe(end.sent);
    }
  });
});
