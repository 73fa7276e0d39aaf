/** Reads one object. */

import { SluiceError } from '../../shared/errors.ts';
import type { GetSpec, ResultValue } from '../../protocol/operation.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';
import { label, locate } from './context.ts';
import type { OperationContext } from './context.ts';
import { outgoing } from './outgoing.ts';

export async function get(context: OperationContext, spec: GetSpec): Promise<ResultValue['get']> {
  const what = `get ${label(context, spec.object)}`;
  const { api, signal } = context;
  const object = await api.call<KubeObject>({ method: 'GET', path: await locate(context, spec.object), what, signal });
  if (spec.object.uid && object.metadata.uid !== spec.object.uid) {
    throw new SluiceError('PRECONDITION', `Could not ${what}: another object of that name is there now.`);
  }
  return { object: outgoing(object) };
}
