/** Everything the demo needs around Sluice: a cluster with a mesh, Prometheus and a load generator. */

import { startCluster } from '../../test/cluster/cluster.ts';
import { installMesh } from '../../test/cluster/mesh/install.ts';
import { startLoad, type Load } from '../../test/cluster/mesh/load.ts';
import { startPrometheus } from '../../test/cluster/mesh/prometheus.ts';
import { openKube, type Kube } from '../../test/support/kube.ts';
import { makeScratch } from '../../test/support/scratch.ts';
import { borrow } from './borrow.ts';
import { openForeignCluster, type DemoCluster } from './foreign-cluster.ts';
import { copyDeployments, imageArchives, loadImages, renameImages, requireImages } from './images.ts';
import { startOutsidePrometheus } from './outside-prometheus.ts';

/** Of the application; the load lives in one of its own. */
export const namespace = 'demo';
const loadNamespace = 'load';

export interface Stage extends AsyncDisposable {
  kubeconfig: string;
  kube: Kube;
  load: Load;
  prometheusUrl: string;
  /** The folder of the deployment files. */
  deployments: string;
}

export interface StageOptions {
  /** Of a cluster that is there already; default: one is started. */
  kubeconfig: string | undefined;
  /** For that cluster: the command that takes an image archive to its nodes. */
  loadCommand: string[];
  /** For that cluster: where its nodes find the images, `registry.example.com/sluice`; default: they have them. */
  imagePrefix: string | undefined;
  /** For that cluster: the URL of a Prometheus that scrapes port 4191 of its pods; default: one is started here. */
  prometheus: string | undefined;
  /** A line for people, at each thing that takes a while. */
  say: (line: string) => void;
  signal: AbortSignal;
}

const demoNamespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };

export async function setStage(options: StageOptions): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const { kubeconfig, say, signal } = options;
  const metered =
    kubeconfig === undefined
      ? await ownCluster(stack, say, signal)
      : await foreignCluster(stack, { ...options, kubeconfig });
  const { cluster, kube, deployments } = metered;
  if (!metered.meshed) await installMesh(cluster);
  signal.throwIfAborted();
  const load = stack.use(await startLoad(cluster, { namespace: loadNamespace }));
  const prometheusUrl = await metered.startPrometheus();
  say('mesh, Prometheus and load generator are ready');
  const kept = stack.move();
  return {
    kubeconfig: cluster.kubeconfig,
    kube,
    load,
    prometheusUrl,
    deployments,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

interface MeteredCluster {
  cluster: DemoCluster;
  kube: Kube;
  /** There is a mesh already. */
  meshed: boolean;
  deployments: string;
  startPrometheus(): Promise<string>;
}

async function ownCluster(
  stack: AsyncDisposableStack,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<MeteredCluster> {
  const cluster = stack.use(await startCluster({ signal, progress: say, images: await imageArchives() }));
  say('a Kubernetes node is ready');
  const kube = stack.use(await openKube(cluster.kubeconfig));
  await cluster.apply(demoNamespace);
  return {
    cluster,
    kube,
    meshed: false,
    deployments: import.meta.dirname,
    startPrometheus: async () => stack.use(await startPrometheus(cluster)).url,
  };
}

async function foreignCluster(
  stack: AsyncDisposableStack,
  { kubeconfig, loadCommand, imagePrefix, prometheus, say, signal }: StageOptions & { kubeconfig: string },
): Promise<MeteredCluster> {
  say(`uses the cluster of KUBECONFIG, ${kubeconfig}`);
  const { folder } = stack.use(makeScratch('demo'));
  const rename = (text: string): string => renameImages(text, imagePrefix);
  const cluster = stack.use(await openForeignCluster(kubeconfig, folder, rename));
  const kube = stack.use(await openKube(kubeconfig));
  const meshed = await borrow(stack, cluster, [namespace, loadNamespace]);
  if (meshed) say('it serves TrafficSplit: its own mesh is used, and only the load is from here');
  await cluster.apply(demoNamespace);
  if (loadCommand.length > 0) {
    say('takes the images there');
    await loadImages(loadCommand, await imageArchives(imagePrefix), kubeconfig);
  }
  signal.throwIfAborted();
  await requireImages(cluster, namespace, imagePrefix);
  return {
    cluster,
    kube,
    meshed,
    deployments: await copyDeployments(folder, imagePrefix),
    startPrometheus: async () =>
      prometheus ?? stack.use(await startOutsidePrometheus(cluster.access, kube, folder)).url,
  };
}
