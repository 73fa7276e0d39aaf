/** Everything the demo needs: a cluster with a mesh, Prometheus and a load generator, an orchestrator and an agent. */

import { prepareCluster, startCluster } from '../../test/cluster/cluster.ts';
import { installCrds } from '../../test/cluster/mesh/install-crds.ts';
import { installMesh } from '../../test/cluster/mesh/install.ts';
import { startLoad, type Load } from '../../test/cluster/mesh/load.ts';
import { startPrometheus } from '../../test/cluster/mesh/prometheus.ts';
import { freePort } from '../../test/support/free-port.ts';
import { openKube, type Kube } from '../../test/support/kube.ts';
import { startOrchestrator, type Orchestrator } from '../../test/support/harness.ts';
import { makeScratch } from '../../test/support/scratch.ts';
import { borrow } from './borrow.ts';
import { openForeignCluster, type DemoCluster } from './foreign-cluster.ts';
import { copyDeployments, imageArchives, loadImages, renameImages, requireImages } from './images.ts';
import { startOutsidePrometheus } from './outside-prometheus.ts';
import type { Waits } from './waits.ts';

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
  waits: Waits;
  signal: AbortSignal;
}

const none = Promise.resolve(undefined);

const demoNamespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };

/** The orchestrator beside the cluster, then side by side what needs nothing but the cluster. */
export async function setStage(options: StageOptions): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const { kubeconfig, waits, signal } = options;
  const port = await freePort();
  const prometheusUrl = options.prometheus ?? `http://127.0.0.1:${port}`;
  const [metered, ours] = await allEnded([
    kubeconfig === undefined ? ownCluster(stack, waits, signal) : foreignCluster(stack, { ...options, kubeconfig }),
    kubeconfig === undefined ? orchestratorFor(stack, waits, prometheusUrl) : none,
  ]);
  const { cluster, kube, deployments } = metered;
  signal.throwIfAborted();
  // A foreign cluster may lack the images; nothing is started before that is known.
  const { orchestrator, credential } = ours ?? (await orchestratorFor(stack, waits, prometheusUrl));
  const agent = { account, credential, kubeconfig: cluster.kubeconfig, namespaces: [namespace] };
  if (!metered.meshed) await installCrds(cluster.api);
  const [load] = await allEnded([
    waits.for('the load generator', 3, async () => stack.use(await startLoad(cluster, { namespace: loadNamespace }))),
    metered.meshed ? none : waits.for('the mesh', 3, () => installMesh(cluster)),
    waits.for('the agent', 2, () => orchestrator.startAgent(agent)),
    options.prometheus === undefined ? waits.for('Prometheus', 1, () => metered.startPrometheus(port)) : none,
  ]);
  const kept = stack.move();
  return {
    kubeconfig: cluster.kubeconfig,
    kube,
    load,
    orchestrator,
    deployments,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** With the credential of an agent that is to come. */
function orchestratorFor(
  stack: AsyncDisposableStack,
  waits: Waits,
  prometheusUrl: string,
): Promise<{ orchestrator: Orchestrator; credential: string }> {
  const env = { SLUICE_METRIC_PROVIDERS: `prometheus=${prometheusUrl}` };
  return waits.for('the orchestrator', 3, async () => {
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

async function ownCluster(stack: AsyncDisposableStack, waits: Waits, signal: AbortSignal): Promise<MeteredCluster> {
  const progress = (line: string): void => waits.say(line);
  await prepareCluster(progress);
  signal.throwIfAborted();
  const images = await imageArchives();
  const cluster = stack.use(await waits.for('a Kubernetes node', 5, () => startCluster({ signal, progress, images })));
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

async function foreignCluster(
  stack: AsyncDisposableStack,
  { kubeconfig, loadCommand, imagePrefix, waits, signal }: StageOptions & { kubeconfig: string },
): Promise<MeteredCluster> {
  waits.say(`Uses the cluster of KUBECONFIG, ${kubeconfig}; what is made in it is removed at the end.`);
  const { folder } = stack.use(makeScratch('demo'));
  const rename = (text: string): string => renameImages(text, imagePrefix);
  const cluster = stack.use(await openForeignCluster(kubeconfig, folder, rename));
  const kube = stack.use(await openKube(kubeconfig));
  const meshed = await borrow(stack, cluster, [namespace, loadNamespace]);
  if (meshed) waits.say('It serves TrafficSplit: its own mesh is used, and only the load is from here.');
  await cluster.apply(demoNamespace);
  if (loadCommand.length > 0) {
    const archives = await imageArchives(imagePrefix);
    await waits.for('the images to be loaded', 20, () => loadImages(loadCommand, archives, kubeconfig));
  }
  signal.throwIfAborted();
  await waits.for('the nodes to say which images they have', 5, () => requireImages(cluster, namespace, imagePrefix));
  return {
    cluster,
    kube,
    meshed,
    deployments: await copyDeployments(folder, imagePrefix),
    startPrometheus: async (port) => void stack.use(await startOutsidePrometheus(cluster.access, kube, folder, port)),
  };
}
