/** Two kinds of one name in different API groups are different things: a Knative Service is no Service. */

import type { KubeObject } from '../../protocol/kube-object.ts';

/** `apps` of `apps/v1`; the core group is ''. */
function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash === -1 ? '' : apiVersion.slice(0, slash);
}

/** @param kind with its group, as kubectl writes it: `Deployment.apps`, `Pod` for the core group. */
export function isKind({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>, wanted: string): boolean {
  return groupKind({ apiVersion, kind }) === wanted;
}

export function groupKind({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): string {
  const group = groupOf(apiVersion);
  return group === '' ? kind : `${kind}.${group}`;
}
