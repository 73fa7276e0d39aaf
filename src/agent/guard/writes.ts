/**
 * Which writes a guard may hold. Whoever can edit a split can edit the guard on it, and the agent makes its writes with the
 * agent's rights: so they are about weights, of objects beside the holder, within the agent's policy, and nothing else. Pure.
 */

import { groupOf } from '../../protocol/kube-object.ts';
import type { ObjectRef } from '../../protocol/kube-object.ts';
import { messageOf } from '../../shared/errors.ts';
import type { GuardOrder } from '../health/reduce-guard.ts';
import { checkPolicy } from '../operations/policy.ts';
import type { Policy } from '../operations/policy.ts';

/** The fields of `spec` that say where traffic goes, by group and kind. */
const WEIGHTS: Record<string, readonly string[]> = {
  'split.smi-spec.io/TrafficSplit': ['backends'],
  'gateway.networking.k8s.io/HTTPRoute': ['rules'],
  'apps/ReplicaSet': ['replicas'],
  'apps/Deployment': ['replicas'],
};

/** What is wrong with a guard that is to be, or is, stored in a namespace; undefined: nothing. */
export function orderProblem(order: GuardOrder, namespace: string, policy: Policy): string | undefined {
  if (order.writes.length === 0) return 'It has no writes, so that it could do nothing.';
  for (const { object, body } of order.writes) {
    if ((object.namespace ?? namespace) !== namespace) return `It would write ${show(object)} of another namespace.`;
    const fields = WEIGHTS[`${groupOf(object.apiVersion)}/${object.kind}`];
    if (!fields) return `It would write ${show(object)}; a guard writes only ${Object.keys(WEIGHTS).join(', ')}.`;
    if (!isOnly(body, ['spec']) || !isOnly(body['spec'], fields)) {
      return `It would write more of ${show(object)} than spec.${fields.join(', spec.')}.`;
    }
  }
  try {
    checkPolicy({ id: '', deploymentId: '', namespace, notAfterMs: 0, spec: { kind: 'guard', ...order } }, policy);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Whether an object is of a kind that holds weights: no guard holds another. */
export function holdsWeights(object: ObjectRef): boolean {
  return WEIGHTS[`${groupOf(object.apiVersion)}/${object.kind}`] !== undefined;
}

/** Whether two references of one namespace are of the same object, whatever version of its API they speak of it in. */
export function isSame(one: ObjectRef, other: ObjectRef): boolean {
  return groupOf(one.apiVersion) === groupOf(other.apiVersion) && one.kind === other.kind && one.name === other.name;
}

function show({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

function isOnly(value: unknown, allowed: readonly string[]): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => allowed.includes(key));
}
