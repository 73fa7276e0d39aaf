/** Whether the cluster lets the agent do what its policy says it may: verb by verb, in each of its namespaces. Pure. */

import { fail, ok, warn } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';
import type { AccessRule } from '../../protocol/operation.ts';
import type { Right } from '../operations/policy.ts';
import { NEEDED_RIGHTS } from './needed-rights.ts';

/** A kind of the policy, with the resource that the cluster keeps it in. */
export interface NeededRule extends AccessRule {
  /** A run cannot do without. */
  isEssential: boolean;
}

/** group -> kind -> plural; a group that is not served is missing. */
export type ServedKinds = ReadonlyMap<string, ReadonlyMap<string, string>>;

const WRITES: ReadonlySet<string> = new Set(['create', 'patch', 'delete']);

/**
 * What is to be asked of the API server. Kinds that the cluster does not serve are left out: nobody can use them.
 * @param rights of the policy; undefined: what a canary needs.
 */
export function rulesToReview(
  rights: readonly Right[] | undefined,
  served: ServedKinds,
  { readOnly = false }: { readOnly?: boolean },
): NeededRule[] {
  const rules = (rights ?? NEEDED_RIGHTS).flatMap(({ group, kinds, verbs }) =>
    kinds.flatMap((kind) => {
      const resource = resourceOf(served, group, kind);
      if (resource === undefined) return [];
      const wanted = verbs.filter((verb) => !readOnly || !WRITES.has(verb));
      return wanted.map((verb) => ({ group, resource, verb, isEssential: isEssential(group, kind, verb) }));
    }),
  );
  return [...new Map(rules.map((rule) => [`${rule.group}/${rule.resource}/${rule.verb}`, rule])).values()];
}

/** `Pod/log` -> `pods/log` */
function resourceOf(served: ServedKinds, group: string, kind: string): string | undefined {
  const [name = '', below] = kind.split('/');
  const plural = served.get(group)?.get(name);
  return plural === undefined || below === undefined ? plural : `${plural}/${below}`;
}

function isEssential(group: string, kind: string, verb: string): boolean {
  return NEEDED_RIGHTS.some(
    (right) => right.group === group && right.kinds.includes(kind) && right.verbs.some((each) => each === verb),
  );
}

/** @param who the cluster takes the agent for: `system:serviceaccount:sluice:sluice-agent`; empty: not known. */
export function judgeRights(
  namespace: string,
  asked: readonly NeededRule[],
  denied: AccessRule[],
  who: string,
): Check[] {
  const id = `rights/${namespace}`;
  const title = `rights in ${namespace}`;
  if (denied.length === 0) {
    const kinds = new Set(asked.map(({ group, resource }) => nameOf(group, resource)));
    return [ok(id, title, `all ${asked.length} verbs on ${kinds.size} resources`)];
  }
  if (denied.length === asked.length) {
    const hint = `See that the namespace exists, and add it to the chart's value allowedNamespaces: its Role and RoleBinding are made there. With rbac.create=false bind ${who || 'the ServiceAccount'} yourself.`;
    return [fail(id, title, `the agent has no right at all in namespace ${namespace}`, hint)];
  }
  const missing = Map.groupBy(denied, ({ group, resource }) => nameOf(group, resource));
  return [...missing.values()].map((rules) => oneMissing(namespace, asked, rules, who));
}

function oneMissing(namespace: string, asked: readonly NeededRule[], rules: AccessRule[], who: string): Check {
  const [{ group, resource }] = rules as [AccessRule, ...AccessRule[]];
  const verbs = rules.map(({ verb }) => verb);
  const isNeeded = asked.some(
    (rule) => rule.isEssential && rule.group === group && rule.resource === resource && verbs.includes(rule.verb),
  );
  const name = nameOf(group, resource);
  const rule = `apiGroups: ["${group}"], resources: ["${resource}"], verbs: ${JSON.stringify(verbs)}`;
  const hint = `The chart grants it by its values rights and extraRights with rbac.create=true (helm upgrade). With rbac.create=false add to the Role of ${who || 'the agent'} in ${namespace}: ${rule}`;
  const report = isNeeded ? fail : warn;
  const why = isNeeded ? '' : '; what needs it fails, a canary runs without';
  const detail = `may not ${verbs.join(', ')} ${name} in namespace ${namespace}${why}`;
  return report(`rights/${namespace}/${name}`, `rights in ${namespace}`, detail, hint);
}

/** `deployments.apps`, as kubectl writes it. */
function nameOf(group: string, resource: string): string {
  return group === '' ? resource : `${resource}.${group}`;
}
