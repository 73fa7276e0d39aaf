/** Which of the rights that a canary takes the API server does not grant this agent: said in Hello, so that a person reads it before a run finds out. */

import type { AccessRule } from '../protocol/operation.ts';
import type { MissingRight } from '../protocol/missing-rights.ts';
import type { Log } from '../shared/log.ts';
import { rulesToReview } from './doctor/judge-rights.ts';
import { NEEDED_RIGHTS } from './doctor/needed-rights.ts';
import type { KubeApi } from './kubernetes/kube-api.ts';
import { KubeError } from './kubernetes/kube-error.ts';
import { reviewAccess } from './operations/review-access.ts';
import type { Policy } from './operations/policy.ts';

/** Plurals of the kinds that a canary needs: whoever serves the kind serves it so. */
const PLURALS: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(
  NEEDED_RIGHTS.map(({ group }) => [group, pluralsIn(group)]),
);

function pluralsIn(group: string): ReadonlyMap<string, string> {
  const kinds = NEEDED_RIGHTS.filter((right) => right.group === group).flatMap((right) => right.kinds);
  return new Map(kinds.map((kind) => [kind, `${kind.toLowerCase()}s`]));
}

/** What every cluster serves; the others come with a mesh. */
const BUILT_IN: ReadonlySet<string> = new Set(['', 'apps', 'autoscaling', 'discovery.k8s.io']);

/**
 * One request for each namespace where nothing is missing, one after the other, so that they share a connection; one more for
 * each right that the first answer leaves open.
 * @throws KubeError; what `signal` aborts with.
 */
export async function missingRights(api: KubeApi, policy: Policy, signal: AbortSignal): Promise<MissingRight[]> {
  const needed = rulesToReview(NEEDED_RIGHTS, PLURALS, policy);
  const rules = needed.map(({ group, resource, verb }): AccessRule => ({ group, resource, verb }));
  const missing: MissingRight[] = [];
  for (const namespace of policy.allowedNamespaces) {
    const { denied } = await reviewAccess({ api, signal }, { kind: 'reviewAccess', namespace, rules });
    missing.push(...denied.map((rule) => ({ namespace, ...rule })));
  }
  const groups = [...new Set(missing.map(({ group }) => group))];
  const absent = new Set<string>();
  for (const group of groups) if (!BUILT_IN.has(group) && !(await isServed(api, group, signal))) absent.add(group);
  // What the cluster does not serve nobody can use.
  return missing.filter(({ group }) => !absent.has(group));
}

async function isServed(api: KubeApi, group: string, signal: AbortSignal): Promise<boolean> {
  try {
    await api.text({ method: 'GET', path: `/apis/${group}`, what: `discover ${group}`, signal });
    return true;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return false;
    throw error;
  }
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
