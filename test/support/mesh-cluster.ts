/** A node with the test mesh on it, and images of the app. */

import { startCluster, type Cluster, type ClusterOptions } from '../cluster/cluster.ts';
import type { MeshBehaviour } from '../cluster/mesh/controller-process.ts';
import { installMesh } from '../cluster/mesh/install.ts';
import { appArchives, meshArchives, type AppImage } from '../cluster/mesh/program-images.ts';

/**
 * @param images of the app, by name.
 * @param node what the node is to have otherwise than usual.
 */
export async function startMeshCluster(
  images: readonly (AppImage | string)[],
  behaviour: MeshBehaviour = {},
  node: Pick<ClusterOptions, 'restartPauseSeconds'> = {},
): Promise<Cluster> {
  const archives = [...(await appArchives(images)), ...Object.values(await meshArchives())];
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await startCluster({ ...node, images: archives }));
  await installMesh(cluster, behaviour);
  stack.move();
  return cluster;
}
