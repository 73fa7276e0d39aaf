/** Objects by name: taken from an object, and those that an operation changes. Pure. */

import type { KubeObject, ObjectRef } from '../../protocol/kube-object.ts';
import type { OperationSpec } from '../../protocol/operation.ts';

export function refOf(object: KubeObject): ObjectRef {
  const { name, namespace } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, name, ...(namespace && { namespace }) };
}

/** What an operation changes, or takes away; nothing for one that reads or tries out. */
export function changedBy(spec: OperationSpec): ObjectRef[] {
  switch (spec.kind) {
    case 'apply':
      return spec.dryRun === true ? [] : spec.objects.map(refOf);
    case 'patch':
    case 'scale':
    case 'delete':
      return [spec.object];
    case 'guard':
      return [spec.holder];
    case 'get':
    case 'list':
    case 'discover':
    case 'reviewAccess':
    case 'logs':
    case 'http':
    case 'scrape':
      return [];
  }
}
