/** Arms the agent's own guard on an object, or takes it off. */

import type { GuardSpec, ResultValue } from '../../protocol/operation.ts';
import type { OperationContext } from './context.ts';

/** @throws SluiceError POLICY, INVALID, UNAVAILABLE; KubeError. */
export async function guard(context: OperationContext, spec: GuardSpec): Promise<ResultValue['guard']> {
  const { guards, operation, signal } = context;
  if (spec.disarm === true) return { armed: await guards.disarm(operation, spec, signal) };
  await guards.arm(operation, spec, signal);
  return { armed: true };
}
