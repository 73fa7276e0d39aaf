/** Everything the demo needs around Sluice: a cluster with a mesh, Prometheus and a load generator. */

import { join } from 'node:path';
import { startCluster } from '../../test/cluster/cluster.ts';
import { goProgram } from '../../test/cluster/go-build.ts';
import { buildImage } from '../../test/cluster/image.ts';
import { installMesh } from '../../test/cluster/mesh/install.ts';
import { startLoad, type Load } from '../../test/cluster/mesh/load.ts';
import { meshNamespace } from '../../test/cluster/mesh/manifests.ts';
import { appArchives, meshArchives } from '../../test/cluster/mesh/program-images.ts';
import { startPrometheus } from '../../test/cluster/mesh/prometheus.ts';
import { openKube, type Kube } from '../../test/support/kube.ts';
import { makeScratch } from '../../test/support/scratch.ts';
import { openForeignCluster, type DemoCluster } from './foreign-cluster.ts';
import { startOutsidePrometheus } from './outside-prometheus.ts';

/** Of the application; the load lives in one of its own. */
export const namespace = 'demo';
const loadNamespace = 'load';

export interface Stage extends AsyncDisposable {
  kubeconfig: string;
  kube: Kube;
  load: Load;
  prometheusUrl: string;
}

export interface StageOptions {
  /** Of a cluster that is there already; default: one is started. */
  kubeconfig: string | undefined;
  /** For that cluster: the command that takes an image archive to its nodes. */
  loadCommand: string[];
  /** A line for people, at each thing that takes a while. */
  say: (line: string) => void;
  signal: AbortSignal;
}

export async function setStage({ kubeconfig, loadCommand, say, signal }: StageOptions): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const own = kubeconfig === undefined;
  const metered = own
    ? await ownCluster(stack, say, signal)
    : await foreignCluster(stack, kubeconfig, loadCommand, say);
  const { cluster, kube } = metered;
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await installMesh(cluster);
  const load = stack.use(await startLoad(cluster, { namespace: loadNamespace }));
  const prometheusUrl = await metered.startPrometheus();
  say('mesh, Prometheus and load generator are ready');
  const kept = stack.move();
  return {
    kubeconfig: cluster.kubeconfig,
    kube,
    load,
    prometheusUrl,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

interface MeteredCluster {
  cluster: DemoCluster;
  kube: Kube;
  startPrometheus(): Promise<string>;
}

async function ownCluster(
  stack: AsyncDisposableStack,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<MeteredCluster> {
  const cluster = stack.use(await startCluster({ signal, progress: say, images: await archives() }));
  say('a Kubernetes node is ready');
  const kube = stack.use(await openKube(cluster.kubeconfig));
  return { cluster, kube, startPrometheus: async () => stack.use(await startPrometheus(cluster)).url };
}

async function foreignCluster(
  stack: AsyncDisposableStack,
  kubeconfig: string,
  loadCommand: string[],
  say: (line: string) => void,
): Promise<MeteredCluster> {
  say(`uses the cluster of KUBECONFIG, ${kubeconfig}`);
  const cluster = stack.use(await openForeignCluster(kubeconfig, loadCommand));
  const kube = stack.use(await openKube(kubeconfig));
  const ours = [namespace, loadNamespace, meshNamespace];
  for (const name of ours) {
    if ((await kube.get(`/api/v1/namespaces/${name}`)) === undefined) continue;
    throw new Error(
      `Namespace ${name} is in the cluster of ${kubeconfig} already, and the demo would overwrite what is in it.`,
    );
  }
  const images = await archives();
  if (loadCommand.length === 0)
    say(`the cluster must have these images (--load-command takes them there):\n   ${images.join('\n   ')}`);
  for (const image of images) await cluster.importImage(image);
  stack.defer(async () => void (await cluster.kubectl(['delete', 'namespace', ...ours, '--ignore-not-found'])));
  const scratch = stack.use(makeScratch('demo'));
  return {
    cluster,
    kube,
    startPrometheus: async () => stack.use(await startOutsidePrometheus(cluster.access, kube, scratch.folder)).url,
  };
}

async function archives(): Promise<string[]> {
  const source = await goProgram(join(import.meta.dirname, 'integration-test'));
  const test = await buildImage({
    name: 'sluice-demo/integration-test:1',
    files: { '/integration-test': { source, mode: 0o755 } },
    entrypoint: ['/integration-test'],
    user: '65532',
  });
  return [...(await appArchives(['sluice-demo/hello:1'])), ...Object.values(await meshArchives()), test];
}
