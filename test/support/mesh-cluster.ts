/** A node with the test mesh on it, and images of the app. */

import { startCluster, type Cluster } from '../cluster/cluster.ts';
import type { MeshBehaviour } from '../cluster/mesh/controller-process.ts';
import { installMesh } from '../cluster/mesh/install.ts';
import { appArchives, meshArchives, type AppImage } from '../cluster/mesh/program-images.ts';

/** @param images of the app, by name. */
export async function startMeshCluster(
  images: readonly (AppImage | string)[],
  behaviour: MeshBehaviour = {},
): Promise<Cluster> {
  const archives = [...(await appArchives(images)), ...Object.values(await meshArchives())];
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await startCluster({ images: archives }));
  await installMesh(cluster, behaviour);
  stack.move();
  return cluster;
}
