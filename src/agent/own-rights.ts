/** Which of the rights that a canary takes the API server does not grant this agent: said in Hello, so that a person reads it before a run finds out. */

import type { AccessRule } from '../protocol/operation.ts';
import type { MissingRight } from '../protocol/missing-rights.ts';
import type { Clock } from '../shared/clock.ts';
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
async function missingRights(api: KubeApi, policy: Policy, signal: AbortSignal): Promise<MissingRight[]> {
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

/** How long a review may take. */
const REVIEW_MS = 5_000;
/** How soon what was missing, or could not be asked, is looked at again: somebody may have put it right. */
const AGAIN_MS = 600_000;

export interface OwnRightsOptions {
  api: KubeApi;
  policy: Policy;
  clock: Clock;
  log: Log;
}

/** What the agent lacks, as it was last told; an agent that lacks nothing asks once. */
export class OwnRights {
  /** Null: the API server has not said yet. */
  missing: MissingRight[] | null = null;
  #options: OwnRightsOptions;
  #stop = new AbortController();
  #cancel: () => void = () => undefined;

  constructor(options: OwnRightsOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async review(): Promise<void> {
    const { api, policy, clock, log } = this.#options;
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(REVIEW_MS), this.#stop.signal]);
      const missing = await missingRights(api, policy, signal);
      const what = missing.map(showRight).join('; ');
      const known = this.missing?.map(showRight).join('; ') ?? '';
      if (what !== '' && what !== known) log.warn({ what }, 'rights are missing');
      this.missing = missing;
    } catch {
      // That the API server does not answer is said by whoever needs it.
    }
    if (this.missing?.length === 0 || this.#stop.signal.aborted) return;
    this.#cancel = clock.after(AGAIN_MS, () => void this.review());
  }

  stop(): void {
    this.#stop.abort();
    this.#cancel();
  }
}

/** `patch deployments.apps in shop` */
function showRight({ namespace, group, resource, verb }: MissingRight): string {
  return `${verb} ${group === '' ? resource : `${resource}.${group}`} in ${namespace}`;
}
