/** One operation from its spec to its value. */

import { SluiceError } from '../../shared/errors.ts';
import type { Operation, OperationKind, ResultValue } from '../../protocol/operation.ts';
import { apply } from './apply.ts';
import type { OperationContext } from './context.ts';
import { deleteObject } from './delete.ts';
import { discover } from './discover.ts';
import { get } from './get.ts';
import { guard } from './guard.ts';
import { list } from './list.ts';
import { logs } from './logs.ts';
import { patch } from './patch.ts';
import { reviewAccess } from './review-access.ts';
import { scale } from './scale.ts';

/** @throws SluiceError with a ResultCode as its code. */
export function execute(context: OperationContext): Promise<ResultValue[OperationKind]> {
  const { spec } = context.operation;
  switch (spec.kind) {
    case 'apply':
      return apply(context, spec);
    case 'patch':
      return patch(context, spec);
    case 'scale':
      return scale(context, spec);
    case 'delete':
      return deleteObject(context, spec);
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
    case 'scrape':
      throw new SluiceError('UNSUPPORTED', `This agent does not know the operation ${spec.kind}. Upgrade it.`);
  }
}

/**
 * The objects an operation changes, as keys of lanes: those of one key run one after the other.
 * The version of an API is no part of it: the same object can be spoken of in two. Reads have none. Pure.
 */
export function laneKeysOf(operation: Operation): string[] {
  const { spec, namespace } = operation;
  const key = (apiVersion: string, kind: string, inNamespace: string | undefined, name: string): string => {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    return `${group}/${kind}/${inNamespace ?? namespace}/${name}`;
  };
  switch (spec.kind) {
    case 'apply':
      return spec.dryRun === true
        ? []
        : [...new Set(spec.objects.map((o) => key(o.apiVersion, o.kind, o.metadata.namespace, o.metadata.name)))];
    case 'patch':
    case 'scale':
    case 'delete': {
      const { apiVersion, kind, namespace: inNamespace, name } = spec.object;
      return [key(apiVersion, kind, inNamespace, name)];
    }
    case 'get':
    case 'list':
    case 'discover':
    case 'reviewAccess':
    case 'logs':
    case 'http':
    case 'scrape':
      return [];
    case 'guard': {
      const { apiVersion, kind, namespace: inNamespace, name } = spec.holder;
      return [key(apiVersion, kind, inNamespace, name)];
    }
  }
}
