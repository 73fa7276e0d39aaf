/** Which operations a guard that has fired keeps from undoing what it did. Pure. */

import type { ObjectRef } from '../../protocol/kube-object.ts';
import type { Operation, OperationSpec } from '../../protocol/operation.ts';
import type { Refusal } from '../dispatch/admission.ts';
import { changedBy } from '../operations/object-ref.ts';
import type { Guarded } from './guarded.ts';
import { holdsWeights } from './writes.ts';

/**
 * The objects whose weights an operation could change; none for one that only reads, or takes away. A guard's own are among
 * them: armed anew, or taken off, it would forget that it has fired.
 */
export function writtenBy(spec: OperationSpec): ObjectRef[] {
  return spec.kind === 'delete' ? [] : changedBy(spec).filter(holdsWeights);
}

export function refusalFor(
  operation: Operation,
  objects: ObjectRef[],
  guards: readonly Pick<Guarded, 'isFired' | 'covers' | 'record'>[],
): Refusal | undefined {
  if (operation.afterGuard === true) return undefined;
  const guard = guards.find((each) => each.isFired && objects.some((object) => each.covers(object)));
  if (!guard) return undefined;
  const { at, reason, spec } = guard.record;
  return {
    state: 'superseded',
    code: 'SUPERSEDED',
    message: `The guard on ${spec.holder.kind} ${spec.holder.name} fired at ${at} and sent all traffic to ${spec.stableService}: ${reason}. Roll back; only operations that say they come after the guard may write what it holds.`,
  };
}
