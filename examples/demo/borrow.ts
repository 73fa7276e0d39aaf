/** What the demo makes in a cluster that is not its own, outside the application: nothing of it was there before, nothing stays. */

import { meshNamespace } from '../../test/cluster/mesh/manifests.ts';
import type { DemoCluster } from './foreign-cluster.ts';

const split = 'customresourcedefinition/trafficsplits.split.smi-spec.io';
const profile = 'customresourcedefinition/serviceprofiles.linkerd.io';
const route = 'customresourcedefinition/httproutes.gateway.networking.k8s.io';

/** Rights of the load generator, and of the test mesh's control plane. */
const loadRights = ['clusterrole/test-load', 'clusterrolebinding/test-load-load'];
const meshObjects = [
  `namespace/${meshNamespace}`,
  'clusterrole/test-mesh',
  `clusterrolebinding/test-${meshNamespace}-mesh`,
];

/**
 * Sees that none of the demo's objects is there, and has them removed at the end of the stack.
 * @returns whether the cluster has a mesh already
 * @throws if something of the same name is there
 */
export async function borrow(
  stack: AsyncDisposableStack,
  cluster: Pick<DemoCluster, 'kubectl' | 'kubeconfig'>,
  namespaces: string[],
): Promise<boolean> {
  const crds = [split, profile, route];
  const there = await existing(cluster, crds);
  const meshed = there.has(split);
  if (meshed && !there.has(profile))
    throw new Error(
      `The cluster of ${cluster.kubeconfig} serves TrafficSplit but not ServiceProfile: its mesh is not Linkerd, and the demo's load can follow no other.`,
    );
  const ours = [...namespaces.map((name) => `namespace/${name}`), ...loadRights, ...(meshed ? [] : meshObjects)];
  const [found] = await existing(cluster, ours);
  if (found !== undefined)
    throw new Error(`The cluster of ${cluster.kubeconfig} has ${found} already, and the demo would overwrite it.`);
  stack.defer(async () => {
    await remove(cluster, ours);
    if (!meshed)
      await remove(
        cluster,
        crds.filter((crd) => !there.has(crd)),
      );
  });
  return meshed;
}

/** Those of `wanted`, as `kind/name`, that are there. */
async function existing({ kubectl }: Pick<DemoCluster, 'kubectl'>, wanted: string[]): Promise<Set<string>> {
  const lines = (await kubectl(['get', ...wanted, '--ignore-not-found', '--output', 'name'])).split('\n');
  // `clusterrole.rbac.authorization.k8s.io/x` for `clusterrole/x`.
  const found = lines.map((line) => line.replace(/^([a-z]+)[^/]*/, '$1'));
  return new Set(wanted.filter((one) => found.includes(one)));
}

/** Returns once they are gone. */
async function remove({ kubectl }: Pick<DemoCluster, 'kubectl'>, objects: string[]): Promise<void> {
  await kubectl(['delete', ...objects, '--ignore-not-found']);
}
