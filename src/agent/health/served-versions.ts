/** Where each watched kind is served: fixed for what is part of Kubernetes, looked up for what a mesh or gateway brings. */

import type { KubeApi } from '../kubernetes/kube-api.ts';
import { KubeError } from '../kubernetes/kube-error.ts';
import { baseOf } from '../kubernetes/resources.ts';

export type WatchedKind =
  'pods' | 'replicaSets' | 'deployments' | 'services' | 'slices' | 'jobs' | 'splits' | 'routes' | 'profiles';

interface Served {
  group: string;
  /** Best first. One alone is not looked up. */
  versions: string[];
  plural: string;
}

export const SERVED_VERSIONS: Record<WatchedKind, Served> = {
  pods: { group: '', versions: ['v1'], plural: 'pods' },
  services: { group: '', versions: ['v1'], plural: 'services' },
  replicaSets: { group: 'apps', versions: ['v1'], plural: 'replicasets' },
  deployments: { group: 'apps', versions: ['v1'], plural: 'deployments' },
  slices: { group: 'discovery.k8s.io', versions: ['v1'], plural: 'endpointslices' },
  jobs: { group: 'batch', versions: ['v1'], plural: 'jobs' },
  // Linkerd's adaptor reads no later version of SMI's.
  splits: { group: 'split.smi-spec.io', versions: ['v1alpha2', 'v1alpha1'], plural: 'trafficsplits' },
  routes: { group: 'gateway.networking.k8s.io', versions: ['v1', 'v1beta1'], plural: 'httproutes' },
  profiles: { group: 'linkerd.io', versions: ['v1alpha2'], plural: 'serviceprofiles' },
};

/** The path of the list of a kind in a namespace; undefined while the cluster serves none of its versions. */
export function pathFinder(api: KubeApi, kind: WatchedKind, namespace: string): () => Promise<string | undefined> {
  const { group, versions, plural } = SERVED_VERSIONS[kind];
  const pathIn = (version: string): string => {
    const apiVersion = group === '' ? version : `${group}/${version}`;
    return `${baseOf(apiVersion)}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
  };
  return async () => {
    const [only, ...others] = versions;
    const version = others.length === 0 ? only : await bestVersion(api, group, versions);
    return version === undefined ? undefined : pathIn(version);
  };
}

async function bestVersion(api: KubeApi, group: string, wanted: string[]): Promise<string | undefined> {
  try {
    const answer = await api.call<{ versions: { version: string }[] }>({
      method: 'GET',
      path: `/apis/${group}`,
      what: `discover ${group}`,
    });
    return wanted.find((version) => answer.versions.some((served) => served.version === version));
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return undefined;
    throw error;
  }
}
