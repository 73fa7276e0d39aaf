/** Sets `spec.replicas` of an object itself: the scale subresource would need one right more and does the same. */

import type { ResultValue, ScaleSpec } from '../../protocol/operation.ts';
import type { OperationContext } from './context.ts';
import { patch } from './patch.ts';

export async function scale(context: OperationContext, spec: ScaleSpec): Promise<ResultValue['scale']> {
  return patch(context, {
    kind: 'patch',
    object: spec.object,
    type: 'merge',
    body: { spec: { replicas: spec.replicas } },
  });
}
