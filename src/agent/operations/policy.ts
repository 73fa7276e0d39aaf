/** What the agent refuses whoever asks: set by its installation, not by the orchestrator. Pure. */

import { SluiceError } from '../../shared/errors.ts';
import type { ObjectRef } from '../../protocol/kube-object.ts';
import type { Operation } from '../../protocol/operation.ts';
import { refOf } from './object-ref.ts';

export interface Policy {
  allowedNamespaces: readonly string[];
}

/**
 * Every namespace an operation touches must be the one it says it is for, and that one must be allowed.
 * Kinds without a namespace are refused where the kind is looked up: only discovery knows them.
 * @throws SluiceError POLICY
 */
export function checkPolicy(operation: Operation, policy: Policy): void {
  for (const namespace of namespacesOf(operation)) {
    if (!policy.allowedNamespaces.includes(namespace)) {
      throw policyError(
        `namespace ${namespace === '' ? '(none given)' : namespace} is not one of its allowed namespaces (${policy.allowedNamespaces.join(', ')})`,
      );
    }
    if (namespace !== operation.namespace) {
      throw policyError(`the operation is for namespace ${operation.namespace} and names an object in ${namespace}`);
    }
  }
}

export function policyError(why: string): SluiceError {
  return new SluiceError(
    'POLICY',
    `The agent refuses this: ${why}. What it may touch is set by its Helm value allowedNamespaces.`,
    { disposition: 'stalled' },
  );
}

function namespacesOf(operation: Operation): string[] {
  const { spec, namespace } = operation;
  const inRef = (ref: ObjectRef): string => ref.namespace ?? namespace;
  switch (spec.kind) {
    case 'apply':
      return spec.objects.map((object) => inRef(refOf(object)));
    case 'patch':
    case 'scale':
    case 'delete':
    case 'get':
      return [inRef(spec.object)];
    case 'list':
    case 'reviewAccess':
    case 'logs':
    case 'scrape':
      return [spec.namespace];
    case 'guard':
      return [inRef(spec.holder), ...spec.writes.map(({ object }) => inRef(object))];
    case 'http':
      return [];
    case 'discover':
      // Which kinds a cluster serves is no secret of a namespace.
      return [];
  }
}
