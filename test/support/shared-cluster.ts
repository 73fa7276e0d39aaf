/**
 * The cluster that this worker's test files share: the first file that asks starts it, each file keeps to namespaces of its own,
 * and it ends with the worker. Vitest keeps a worker's modules from file to file in projects with `isolate: false`.
 */

import type { RunningCluster } from '../cluster/cluster.ts';
import { startMeshCluster } from './mesh-cluster.ts';

/** The image of the app that tests ship; its version is an environment variable. */
export const appImageName = 'sluice.test/app:v1';

let shared: Promise<RunningCluster> | undefined;

/** With the test mesh, HTTPRoute and the app's image. One that broke under an earlier file is replaced. */
export async function sharedCluster(): Promise<RunningCluster> {
  shared ??= startMeshCluster([appImageName]);
  const cluster = await shared;
  if (!cluster.broken.aborted) return cluster;
  shared = undefined;
  return sharedCluster();
}

/** Names namespaces in a cluster that other files use too, and makes them. */
export async function makeNamespaces(cluster: RunningCluster, names: readonly string[]): Promise<void> {
  await cluster.apply(names.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
}

/** Begins the removal of namespaces and all that is in them; the files after this one do not wait for it. */
export async function dropNamespaces(cluster: RunningCluster, names: readonly string[]): Promise<void> {
  if (names.length > 0) await cluster.kubectl(['delete', 'namespace', ...names, '--ignore-not-found', '--wait=false']);
}
