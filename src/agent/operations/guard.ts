/** Arms the agent's own guard on an object, or takes it off. */

import type { GuardSpec, ResultValue } from '../../protocol/operation.ts';
import type { OperationContext } from './context.ts';
import { patch } from './patch.ts';

/** @throws SluiceError POLICY, INVALID, UNAVAILABLE; KubeError. */
export async function guard(context: OperationContext, spec: GuardSpec): Promise<ResultValue['guard']> {
  const { guards, operation, signal } = context;
  const write = (body: object): Promise<unknown> =>
    patch(context, { kind: 'patch', object: spec.holder, type: 'merge', body });
  if (spec.disarm === true) return { armed: await guards.disarm(operation, spec, write, signal) };
  await guards.arm(operation, spec, write, signal);
  return { armed: true };
}
