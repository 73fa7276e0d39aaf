/** What every operation is given to work with, and the one field manager under which it writes. */

import { groupOf } from '../../protocol/kube-object.ts';
import type { ObjectRef } from '../../protocol/kube-object.ts';
import type { GuardSpec, Operation } from '../../protocol/operation.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';
import { pathOf } from '../kubernetes/resources.ts';
import type { Resources } from '../kubernetes/resources.ts';
import { policyError } from './policy.ts';
import type { Policy } from './policy.ts';
import type { KnownMarks } from './known-marks.ts';

/** Owns the fields that Sluice writes. One name for all agents, so that an upgrade does not fight its predecessor. */
export const FIELD_MANAGER = 'sluice';

/** Kinds of no namespace that an apply may hold. */
const CLUSTER_WIDE: ReadonlySet<string> = new Set(['Namespace', 'CustomResourceDefinition']);

export interface Cluster {
  api: KubeApi;
  resources: Resources;
}

/** Who keeps the guards of this agent. `write` makes a merge patch of the holder, like the rest of the operation's writes. */
interface GuardKeeper {
  arm(operation: Operation, spec: GuardSpec, write: WriteHolder, signal: AbortSignal): Promise<void>;
  disarm(operation: Operation, spec: GuardSpec, write: WriteHolder, signal: AbortSignal): Promise<boolean>;
}

export type WriteHolder = (body: object) => Promise<unknown>;

/**
 * `first`: nobody has tried it. `repeated`: it was sent before, so it may have been done by an agent that has forgotten.
 * `done`: this agent did it, only its value is to be read again.
 */
export type History = 'first' | 'repeated' | 'done';

export interface OperationContext extends Cluster {
  operation: Operation;
  policy: Policy;
  guards: GuardKeeper;
  /** Aborts when the operation is cancelled, its deadline passes, or the agent stops. */
  signal: AbortSignal;
  history: History;
  marks: KnownMarks;
  /** For `KubeCall.permit` of each write. @throws SluiceError where the operation must not write any more, StoodStill */
  permit: () => void;
  /** The object's mark was just read: what the process slept through before does not matter. */
  looked: () => void;
  /** Says what it does now, for people. */
  progress: (message: string) => void;
  /** Only waiting follows: the next operation on its objects may begin. */
  leaveLane: () => void;
}

/** The path of an object an operation names. @throws SluiceError POLICY when its kind has no namespace, and no right names it. */
export async function locate(context: OperationContext, ref: ObjectRef): Promise<string> {
  const resource = await context.resources.find(ref.apiVersion, ref.kind);
  if (!resource.namespaced) checkClusterWide(context.policy, ref);
  return pathOf(resource, ref.namespace ?? context.operation.namespace, ref.name);
}

/** The allowed namespaces say nothing of what lies in none: such a kind must be named, and a Namespace be an allowed one. */
function checkClusterWide({ rights = [], allowedNamespaces }: Policy, { apiVersion, kind, name }: ObjectRef): void {
  const isNamed = rights.some(({ group, kinds }) => group === groupOf(apiVersion) && kinds.includes(kind));
  if (!isNamed) throw policyError(`${kind} ${name} belongs to no namespace, and no right names its kind`, 'rights');
  if (kind === 'Namespace' && !allowedNamespaces.includes(name)) {
    throw policyError(`namespace ${name} is not one of its allowed namespaces`, 'allowedNamespaces');
  }
}

/** `Deployment shop/web` */
export function label(context: { operation: Operation }, ref: ObjectRef): string {
  if (CLUSTER_WIDE.has(ref.kind)) return `${ref.kind} ${ref.name}`;
  return `${ref.kind} ${ref.namespace ?? context.operation.namespace}/${ref.name}`;
}
