/** Reads one object. */

import type { GetSpec, ResultValue } from '../../protocol/operation.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';
import { label, locate } from './context.ts';
import type { OperationContext } from './context.ts';
import { outgoing } from './outgoing.ts';
import { checkPreconditions } from './preconditions.ts';
import { learn } from './prior-deed.ts';

export async function get(context: OperationContext, spec: GetSpec): Promise<ResultValue['get']> {
  const what = `get ${label(context, spec.object)}`;
  const { api, signal } = context;
  const object = await api.call<KubeObject>({ method: 'GET', path: await locate(context, spec.object), what, signal });
  checkPreconditions(spec.object, object.metadata, what);
  learn(context, object);
  return { object: outgoing(object) };
}
