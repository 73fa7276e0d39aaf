/** The name of an object, taken from the object. */

import type { KubeObject, ObjectRef } from '../../protocol/kube-object.ts';

export function refOf(object: KubeObject): ObjectRef {
  const { name, namespace } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, name, ...(namespace && { namespace }) };
}
