/** Asks the API server what the agent itself may do: one rules review, then one access review for each rule it leaves open. */

import type { AccessRule, ResultValue, ReviewAccessSpec } from '../../protocol/operation.ts';
import type { OperationContext } from './context.ts';

/** All it needs: the agent's doctor asks it too. */
type Asks = Pick<OperationContext, 'api' | 'signal'>;

interface ResourceRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
}

export async function reviewAccess(context: Asks, spec: ReviewAccessSpec): Promise<ResultValue['reviewAccess']> {
  const granted = await rulesIn(context, spec.namespace);
  // What the list grants is granted. What it does not show may still be: webhooks and other authorizers are not in it.
  const open = spec.rules.filter((rule) => !granted.some((each) => grants(each, rule)));
  const answers = await Promise.all(
    open.map(async (rule) => ({ rule, ok: await isAllowed(context, spec.namespace, rule) })),
  );
  return { denied: answers.filter((answer) => !answer.ok).map((answer) => answer.rule) };
}

/** Whether a rule of the review grants all objects of a resource; `pods/log` is a resource of its own. Pure. */
export function grants(granted: ResourceRule, asked: AccessRule): boolean {
  const has = (list: string[] | undefined, wanted: string): boolean =>
    list?.some((each) => each === '*' || each === wanted) ?? false;
  return (
    (granted.resourceNames?.length ?? 0) === 0 &&
    has(granted.verbs, asked.verb) &&
    has(granted.apiGroups, asked.group) &&
    has(granted.resources, asked.resource)
  );
}

async function rulesIn(context: Asks, namespace: string): Promise<ResourceRule[]> {
  const review = await context.api.call<{ status?: { resourceRules?: ResourceRule[] } }>({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } },
    what: `review the agent's rights in ${namespace}`,
    signal: context.signal,
  });
  return review.status?.resourceRules ?? [];
}

async function isAllowed(context: Asks, namespace: string, rule: AccessRule): Promise<boolean> {
  const [resource = '', subresource] = rule.resource.split('/');
  const resourceAttributes = {
    namespace,
    group: rule.group,
    resource,
    verb: rule.verb,
    ...(subresource && { subresource }),
  };
  const review = await context.api.call<{ status?: { allowed?: boolean } }>({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
    what: `review the agent's right to ${rule.verb} ${rule.resource} in ${namespace}`,
    signal: context.signal,
  });
  return review.status?.allowed === true;
}
