/** Everything a canary needs, for real: a node with the test mesh and the app's image, an orchestrator, an agent. */

import type { Cluster } from '../cluster/cluster.ts';
import type { MeshBehaviour } from '../cluster/mesh/controller-process.ts';
import type { AppImage } from '../cluster/mesh/program-images.ts';
import { startOrchestrator, type Agent, type Orchestrator } from './harness.ts';
import { openKube, type Kube } from './kube.ts';
import { startMeshCluster } from './mesh-cluster.ts';

export const appImageName = 'sluice.test/app:v1';

export interface World extends AsyncDisposable {
  cluster: Cluster;
  kube: Kube;
  /** An orchestrator with one agent for the namespaces; several are independent of each other. */
  startLane(account: string, namespaces: string[], env?: Record<string, string>): Promise<Lane>;
}

export interface Lane {
  orchestrator: Orchestrator;
  agent: Agent;
  account: string;
  namespace: string;
}

export interface WorldOptions extends MeshBehaviour {
  namespaces: string[];
  images?: (AppImage | string)[];
}

export async function startWorld({ namespaces, images = [appImageName], ...mesh }: WorldOptions): Promise<World> {
  const cluster = await startMeshCluster(images, mesh);
  await cluster.apply(namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
  const kube = await openKube(cluster.kubeconfig);
  const orchestrators: Orchestrator[] = [];
  return {
    cluster,
    kube,
    startLane: async (account, own, env = {}) => {
      const orchestrator = await startOrchestrator({ env });
      orchestrators.push(orchestrator);
      const agent = await orchestrator.startAgent({ account, kubeconfig: cluster.kubeconfig, namespaces: own });
      return { orchestrator, agent, account, namespace: own[0] ?? 'default' };
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(orchestrators.map((orchestrator) => orchestrator.stop()));
      kube[Symbol.dispose]();
      await cluster.stop();
    },
  };
}
