/** What every operation is given to work with, and the one field manager under which it writes. */

import type { ObjectRef } from '../../protocol/kube-object.ts';
import type { GuardSpec, Operation } from '../../protocol/operation.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';
import { pathOf } from '../kubernetes/resources.ts';
import type { Resources } from '../kubernetes/resources.ts';
import { policyError } from './policy.ts';

/** Owns the fields that Sluice writes. One name for all agents, so that an upgrade does not fight its predecessor. */
export const FIELD_MANAGER = 'sluice';

export interface Cluster {
  api: KubeApi;
  resources: Resources;
}

/** Who keeps the guards of this agent. */
export interface GuardKeeper {
  arm(operation: Operation, spec: GuardSpec, signal: AbortSignal): Promise<void>;
  disarm(operation: Operation, spec: GuardSpec, signal: AbortSignal): Promise<boolean>;
}

export interface OperationContext extends Cluster {
  operation: Operation;
  guards: GuardKeeper;
  /** Aborts when the operation is cancelled, its deadline passes, or the agent stops. */
  signal: AbortSignal;
}

/** The path of an object an operation names. @throws SluiceError POLICY when its kind has no namespace. */
export async function locate(context: OperationContext, ref: ObjectRef): Promise<string> {
  const resource = await context.resources.find(ref.apiVersion, ref.kind);
  if (!resource.namespaced) throw policyError(`${ref.kind} ${ref.name} belongs to no namespace`);
  return pathOf(resource, ref.namespace ?? context.operation.namespace, ref.name);
}

/** `Deployment shop/web` */
export function label(context: { operation: Operation }, ref: ObjectRef): string {
  return `${ref.kind} ${ref.namespace ?? context.operation.namespace}/${ref.name}`;
}
