/** Everything a canary needs, for real: a node with the test mesh and the app's image, an orchestrator, an agent. */

import type { RunningCluster } from '../cluster/cluster.ts';
import { appImage } from '../cluster/mesh/install.ts';
import { startLoad, type Load } from '../cluster/mesh/load.ts';
import type { MeshBehaviour } from '../cluster/mesh/controller-process.ts';
import type { AppImage } from '../cluster/mesh/program-images.ts';
import { startOrchestrator, type Agent, type Orchestrator } from './harness.ts';
import { openKube, type Kube } from './kube.ts';
import { startMeshCluster } from './mesh-cluster.ts';
import { appImageName, dropNamespaces, makeNamespaces, sharedCluster } from './shared-cluster.ts';

/** For an orchestrator: what a run lets pass for requests in flight, where nobody sends any. */
export const QUICK_DRAIN = { SLUICE_DRAIN_SECONDS: '0.2' };
/** As an orchestrator does that nobody set: for tests that count requests. */
export const REAL_DRAIN = {};
/** For an agent: back soon, however often its orchestrator is killed. */
const QUICK_RETURN = { SLUICE_RECONNECT_MAX_SECONDS: '1' };

export interface World extends AsyncDisposable {
  cluster: RunningCluster;
  kube: Kube;
  /**
   * An orchestrator with one agent for the namespaces; several are independent of each other.
   * @param env of the orchestrator; without it, it drains briefly.
   */
  startLane(account: string, namespaces: string[], env?: Record<string, string>): Promise<Lane>;
  /** A load generator of this world's own. */
  startLoad(): Promise<Load>;
}

export interface Lane {
  orchestrator: Orchestrator;
  agent: Agent;
  account: string;
  namespace: string;
}

/** With a mesh that behaves in another way than usual, such as `httpRoute: false`, the world has a cluster of its own. */
export interface WorldOptions extends MeshBehaviour {
  /** Of this world alone: they are made, and removed with it. */
  namespaces: string[];
  images?: (AppImage | string)[];
}

export async function startWorld({ namespaces, images = [], ...behaviour }: WorldOptions): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const isShared = Object.keys(behaviour).length === 0;
  const cluster = isShared ? await sharedCluster() : stack.use(await startMeshCluster([appImageName], behaviour));
  await appImage(cluster, images);
  const made = [...namespaces];
  await makeNamespaces(cluster, namespaces);
  if (isShared) stack.defer(() => dropNamespaces(cluster, made));
  const kube = stack.use(await openKube(cluster.kubeconfig));
  const running = stack.use(new AsyncDisposableStack());
  const kept = stack.move();
  return {
    cluster,
    kube,
    startLane: async (account, own, env = QUICK_DRAIN) => {
      const orchestrator = running.use(await startOrchestrator({ env }));
      const { kubeconfig } = cluster;
      const agent = await orchestrator.startAgent({ account, kubeconfig, namespaces: own, env: QUICK_RETURN });
      return { orchestrator, agent, account, namespace: own[0] ?? 'default' };
    },
    startLoad: async () => {
      const namespace = `${namespaces[0]}-load`;
      made.push(namespace);
      return running.use(await startLoad(cluster, { namespace }));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
