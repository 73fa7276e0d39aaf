/** Two kinds of one name in different API groups are different things: a Knative Service is no Service. */

import { groupOf } from '../../protocol/kube-object.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';

/** @param kind with its group, as kubectl writes it: `Deployment.apps`, `Pod` for the core group. */
export function isKind({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>, wanted: string): boolean {
  return groupKind({ apiVersion, kind }) === wanted;
}

export function groupKind({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): string {
  const group = groupOf(apiVersion);
  return group === '' ? kind : `${kind}.${group}`;
}
