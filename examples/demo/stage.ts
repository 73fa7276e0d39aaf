/** Everything the demo needs: a cluster with a mesh, Prometheus and a load generator, an orchestrator and an agent. */

import { startCluster, type Cluster, type ClusterOptions } from '../../test/cluster/cluster.ts';
import { installCrds } from '../../test/cluster/mesh/install-crds.ts';
import { installMesh } from '../../test/cluster/mesh/install.ts';
import { startLoad, type Load } from '../../test/cluster/mesh/load.ts';
import { startPrometheus } from '../../test/cluster/mesh/prometheus.ts';
import type { Progress } from '../../test/cluster/progress.ts';
import { freePort } from '../../test/support/free-port.ts';
import { openKube, type Kube } from '../../test/support/kube.ts';
import { startOrchestrator, type Orchestrator } from '../../test/support/harness.ts';
import { makeScratch } from '../../test/support/scratch.ts';
import { borrow } from './borrow.ts';
import { openForeignCluster, type DemoCluster } from './foreign-cluster.ts';
import { copyDeployments, imageArchives, loadImages, renameImages, requireImages } from './images.ts';
import { startOutsidePrometheus } from './outside-prometheus.ts';

/** Of the application; the load lives in one of its own. */
export const namespace = 'demo';
const loadNamespace = 'load';
/** The agent's name in the deployment files. */
const account = 'demo';

export interface Stage extends AsyncDisposable {
  kubeconfig: string;
  kube: Kube;
  load: Load;
  /** With an agent for the demo's namespace. */
  orchestrator: Orchestrator;
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
  progress: Progress;
  signal: AbortSignal;
}

const none = Promise.resolve(undefined);

const demoNamespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };

/** Starts everything, once it is installed and built. What fails or is interrupted is removed before this throws. */
export async function setStage(options: StageOptions): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  const remove = (): Promise<void> =>
    options.progress.during('removing everything the demo made', 3, () => stack.disposeAsync());
  try {
    return { ...(await startAll(stack, options)), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove().catch((failure: unknown) => options.progress.say(`not everything was removed: ${String(failure)}`));
    throw error;
  }
}

/** The orchestrator beside the cluster, then side by side what needs nothing but the cluster. */
async function startAll(
  stack: AsyncDisposableStack,
  options: StageOptions,
): Promise<Omit<Stage, keyof AsyncDisposable>> {
  const { kubeconfig, progress, signal } = options;
  const port = await freePort();
  const prometheusUrl = options.prometheus ?? `http://127.0.0.1:${port}`;
  // Whichever is ready first: orchestrator and agent end before the cluster.
  const [forCluster, forSluice] = [stack.use(new AsyncDisposableStack()), stack.use(new AsyncDisposableStack())];
  signal.throwIfAborted();
  const [metered, ours] = await allEnded([
    kubeconfig === undefined
      ? ownCluster(forCluster, progress, signal)
      : foreignCluster(forCluster, { ...options, kubeconfig }),
    kubeconfig === undefined ? orchestratorFor(forSluice, progress, prometheusUrl) : none,
  ]);
  const { cluster, kube, deployments } = metered;
  signal.throwIfAborted();
  // A foreign cluster may lack the images; nothing is started before that is known.
  const { orchestrator, credential } = ours ?? (await orchestratorFor(forSluice, progress, prometheusUrl));
  const agent = { account, credential, kubeconfig: cluster.kubeconfig, namespaces: [namespace] };
  if (!metered.meshed) await installCrds(cluster.api);
  const [load] = await allEnded([
    progress.during('starting the load generator', 3, async () =>
      forCluster.use(await startLoad(cluster, { namespace: loadNamespace })),
    ),
    metered.meshed ? none : progress.during('starting the mesh', 3, () => installMesh(cluster)),
    progress.during('starting the agent', 2, () => orchestrator.startAgent(agent)),
    options.prometheus === undefined
      ? progress.during('starting Prometheus', 1, () => metered.startPrometheus(port))
      : none,
  ]);
  signal.throwIfAborted();
  return { kubeconfig: cluster.kubeconfig, kube, load, orchestrator, deployments };
}

/** With the credential of an agent that is to come. */
function orchestratorFor(
  stack: AsyncDisposableStack,
  progress: Progress,
  prometheusUrl: string,
): Promise<{ orchestrator: Orchestrator; credential: string }> {
  const env = { SLUICE_METRIC_PROVIDERS: `prometheus=${prometheusUrl}` };
  return progress.during('starting the orchestrator', 3, async () => {
    const orchestrator = stack.use(await startOrchestrator({ env }));
    return { orchestrator, credential: await orchestrator.addAgent(account) };
  });
}

/** As `Promise.all`, but it waits for all of them also where one fails: what they made is there to be removed. */
async function allEnded<T extends readonly Promise<unknown>[]>(
  works: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(works);
  return Promise.all(works);
}

interface MeteredCluster {
  cluster: DemoCluster;
  kube: Kube;
  /** There is a mesh already. */
  meshed: boolean;
  deployments: string;
  /** @param port where it is served on loopback. */
  startPrometheus(port: number): Promise<void>;
}

async function ownCluster(
  stack: AsyncDisposableStack,
  progress: Progress,
  signal: AbortSignal,
): Promise<MeteredCluster> {
  const images = await imageArchives();
  const cluster = stack.use(
    await progress.during('starting a Kubernetes node', 5, () => startUntil(signal, { progress, images })),
  );
  const kube = stack.use(await openKube(cluster.kubeconfig));
  await cluster.apply(demoNamespace);
  return {
    cluster,
    kube,
    meshed: false,
    deployments: import.meta.dirname,
    startPrometheus: async (hostPort) => void stack.use(await startPrometheus(cluster, { hostPort })),
  };
}

/** The signal ends the start, not what came of it: what runs in the cluster has to end before the cluster does. */
async function startUntil(signal: AbortSignal, options: Omit<ClusterOptions, 'signal'>): Promise<Cluster> {
  const starting = new AbortController();
  const abort = (): void => starting.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await startCluster({ ...options, signal: starting.signal });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function foreignCluster(
  stack: AsyncDisposableStack,
  { kubeconfig, loadCommand, imagePrefix, progress, signal }: StageOptions & { kubeconfig: string },
): Promise<MeteredCluster> {
  const { folder } = stack.use(makeScratch('demo'));
  const rename = (text: string): string => renameImages(text, imagePrefix);
  const cluster = stack.use(await openForeignCluster(kubeconfig, folder, rename));
  const kube = stack.use(await openKube(kubeconfig));
  const meshed = await borrow(stack, cluster, [namespace, loadNamespace]);
  if (meshed) progress.say('The cluster serves TrafficSplit: the demo uses its mesh.');
  await cluster.apply(demoNamespace);
  if (loadCommand.length > 0) {
    const archives = await imageArchives(imagePrefix);
    await progress.during('loading the images', 20, () => loadImages(loadCommand, archives, kubeconfig));
  }
  signal.throwIfAborted();
  await progress.during('checking that the nodes have the images', 5, () =>
    requireImages(cluster, namespace, imagePrefix),
  );
  return {
    cluster,
    kube,
    meshed,
    deployments: await copyDeployments(folder, imagePrefix),
    startPrometheus: async (port) => void stack.use(await startOutsidePrometheus(cluster.access, kube, folder, port)),
  };
}
