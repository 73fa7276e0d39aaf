/** Server-side apply of some objects, in the order given; stops at the first that fails. */

import type { ApplySpec, ResultValue } from '../../protocol/operation.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';
import { FIELD_MANAGER, label, locate } from './context.ts';
import type { OperationContext } from './context.ts';
import { refOf } from './object-ref.ts';
import { outgoing } from './outgoing.ts';

export async function apply(context: OperationContext, spec: ApplySpec): Promise<ResultValue['apply']> {
  const objects: KubeObject[] = [];
  for (const object of spec.objects) objects.push(outgoing(await applyOne(context, spec, object)));
  return { objects };
}

async function applyOne(context: OperationContext, spec: ApplySpec, object: KubeObject): Promise<KubeObject> {
  const ref = refOf(object);
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return context.api.call<KubeObject>({
    method: 'PATCH',
    path: await locate(context, ref),
    query: {
      fieldManager: FIELD_MANAGER,
      force: spec.force === true,
      dryRun: spec.dryRun === true ? 'All' : undefined,
    },
    // JSON is YAML; the API server takes an apply under this type alone in every version that has it.
    contentType: 'application/apply-patch+yaml',
    body: { ...object, metadata: { ...metadata, namespace: ref.namespace ?? context.operation.namespace } },
    what: `${spec.dryRun === true ? 'try out' : 'apply'} ${label(context, ref)}`,
    signal: context.signal,
  });
}
