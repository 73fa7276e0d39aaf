/** Which of the rights that a canary takes the API server does not grant this agent: said in Hello, so that a person reads it before a run finds out. */

import type { AccessRule } from '../protocol/operation.ts';
import type { MissingRight } from '../protocol/missing-rights.ts';
import { rulesToReview } from './doctor/judge-rights.ts';
import { NEEDED_RIGHTS } from './doctor/needed-rights.ts';
import { readServed } from './doctor/read-cluster.ts';
import type { Log } from '../shared/log.ts';
import type { KubeApi } from './kubernetes/kube-api.ts';
import { reviewAccess } from './operations/review-access.ts';
import type { Policy } from './operations/policy.ts';

/** Namespaces reviewed at once. */
const AT_ONCE = 8;

/**
 * A request for each API group and for each namespace, and one more for each right that the first answer leaves open.
 * @throws KubeError; what `signal` aborts with.
 */
export async function missingRights(api: KubeApi, policy: Policy, signal: AbortSignal): Promise<MissingRight[]> {
  const groups = NEEDED_RIGHTS.map(({ group }) => group);
  const served = await readServed(api, groups, signal);
  const kinds = new Map([...served].map(([group, { kinds }]) => [group, kinds]));
  const needed = rulesToReview(NEEDED_RIGHTS, kinds, policy);
  const rules = needed.map(({ group, resource, verb }): AccessRule => ({ group, resource, verb }));
  const missing: MissingRight[] = [];
  const { allowedNamespaces } = policy;
  for (let from = 0; from < allowedNamespaces.length; from += AT_ONCE) {
    const some = allowedNamespaces.slice(from, from + AT_ONCE);
    const reviews = await Promise.all(some.map((namespace) => deniedIn(api, namespace, rules, signal)));
    missing.push(...reviews.flat());
  }
  return missing;
}

async function deniedIn(
  api: KubeApi,
  namespace: string,
  rules: AccessRule[],
  signal: AbortSignal,
): Promise<MissingRight[]> {
  const { denied } = await reviewAccess({ api, signal }, { kind: 'reviewAccess', namespace, rules });
  return denied.map((rule) => ({ namespace, ...rule }));
}

/** How long the review may take; what comes later is said at the next session. */
const REVIEW_MS = 5_000;

/** As `missingRights`, for people only: undefined where the API server does not answer. Never rejects. */
export async function reviewOwnRights(api: KubeApi, policy: Policy, log: Log): Promise<MissingRight[] | undefined> {
  try {
    const missing = await missingRights(api, policy, AbortSignal.timeout(REVIEW_MS));
    if (missing.length > 0) log.warn({ what: missing.map(showRight).join('; ') }, 'rights are missing');
    return missing;
  } catch {
    // That it does not answer is said by whoever needs it.
    return undefined;
  }
}

/** `patch deployments.apps in shop` */
function showRight({ namespace, group, resource, verb }: MissingRight): string {
  return `${verb} ${group === '' ? resource : `${resource}.${group}`} in ${namespace}`;
}
