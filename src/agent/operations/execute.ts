/** One operation from its spec to its value. */

import type { Operation, OperationKind, ResultValue } from '../../protocol/operation.ts';
import { apply } from './apply.ts';
import type { OperationContext } from './context.ts';
import { deleteObject } from './delete.ts';
import { discover } from './discover.ts';
import { get } from './get.ts';
import { guard } from './guard.ts';
import { http } from './http.ts';
import { list } from './list.ts';
import { logs } from './logs.ts';
import { keyOf } from './mark.ts';
import { changedBy } from './object-ref.ts';
import { patch } from './patch.ts';
import { reviewAccess } from './review-access.ts';
import { scale } from './scale.ts';
import { scrape } from './scrape.ts';
import { lookingAgain } from './stood-still.ts';

/** @throws SluiceError with a ResultCode as its code. */
export function execute(context: OperationContext): Promise<ResultValue[OperationKind]> {
  const { spec } = context.operation;
  switch (spec.kind) {
    case 'apply':
      return lookingAgain(context, (each) => apply(each, spec));
    case 'patch':
      return lookingAgain(context, (each) => patch(each, spec));
    case 'scale':
      return lookingAgain(context, (each) => scale(each, spec));
    case 'delete':
      return lookingAgain(context, (each) => deleteObject(each, spec));
    case 'get':
      return get(context, spec);
    case 'list':
      return list(context, spec);
    case 'discover':
      return discover(context, spec);
    case 'reviewAccess':
      return reviewAccess(context, spec);
    case 'logs':
      return logs(context, spec);
    case 'guard':
      return guard(context, spec);
    case 'http':
      return http(context, spec);
    case 'scrape':
      return scrape(context, spec);
  }
}

/**
 * The objects an operation changes, as keys of lanes: those of one key run one after the other.
 * The version of an API is no part of it: the same object can be spoken of in two. Reads have none. Pure.
 */
export function laneKeysOf({ spec, namespace }: Operation): string[] {
  return [...new Set(changedBy(spec).map((object) => keyOf(object, namespace)))];
}
