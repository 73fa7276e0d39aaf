/** The load generator as a pod of the test cluster, its control API carried to this host. */

import type { Cluster } from '../cluster/cluster.ts';
import { createAll } from '../cluster/mesh/create.ts';
import { loadManifests } from '../cluster/mesh/manifests.ts';

export interface LoadPod {
  /** Of its control API. */
  url: string;
}

/** @param image reference of an image that the cluster has. @returns once it knows the cluster. */
export async function startLoadPod(cluster: Cluster, image: string, namespace: string): Promise<LoadPod> {
  await createAll(cluster.api, loadManifests(image, namespace, 'load'));
  const pod = ['--namespace', namespace, 'pod/load'];
  await cluster.kubectl(['wait', ...pod, '--for=condition=Ready', '--timeout=60s']);
  const address = await cluster.kubectl(['get', ...pod, '-o', 'jsonpath={.status.podIP}']);
  const { port } = await cluster.forward(`${address}:8080`);
  return { url: `http://127.0.0.1:${port}` };
}
