/** What a first canary needs in an empty cluster: images, since there is no registry; a volume; a mesh; and an app to ship. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { agentImage, orchestratorImage } from '../support/images.ts';
import type { Cluster } from './cluster.ts';
import { installMesh } from './mesh/install.ts';
import { appArchives, meshArchives } from './mesh/program-images.ts';

/** Archives of Sluice's own images and of the app that `examples/first-canary` ships. */
export async function playgroundImages(): Promise<string[]> {
  const [app, mesh] = await Promise.all([
    appArchives(['sluice.test/hello:v1', 'sluice.test/hello:v2']),
    meshArchives(),
  ]);
  return [await agentImage(), await orchestratorImage(), ...app, ...Object.values(mesh)];
}

export async function furnish(cluster: Cluster): Promise<void> {
  const path = join(cluster.folder, 'volume');
  await mkdir(path);
  await Promise.all([installMesh(cluster), cluster.apply(volume(path))]);
}

/** For whoever claims one first. Of the kind `local`: the kubelet gives it to the pod's fsGroup. */
function volume(path: string): object {
  const node = { key: 'kubernetes.io/hostname', operator: 'In', values: ['node'] };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'playground' },
    spec: {
      capacity: { storage: '10Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: '',
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [node] }] } },
    },
  };
}
