/** Room for the canary's pods: what they ask for, against what the namespace's quotas leave. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { Problem } from './problem.ts';
import { quantity, showQuantity } from './quantity.ts';
import type { PodTemplate } from './workload.ts';

interface Resources {
  requests?: Record<string, string | number>;
  limits?: Record<string, string | number>;
}

interface Container {
  restartPolicy?: string;
  resources?: Resources;
}

interface PodSpec {
  containers?: Container[];
  initContainers?: Container[];
  overhead?: Record<string, string | number>;
}

/** What one pod counts under each name that a quota knows: `pods`, `requests.cpu`, `limits.memory`, `cpu` ... */
export type PodNeeds = Record<string, number>;

/** As the quota admission counts: containers and sidecars together, or the largest init container, plus overhead. */
export function podNeeds(template: PodTemplate): PodNeeds {
  // The API server's schema guarantees the shape.
  const spec = (template.spec ?? {}) as PodSpec;
  const needs: PodNeeds = { pods: 1, 'count/pods': 1 };
  const all = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  for (const kind of ['requests', 'limits'] as const) {
    const names = new Set(all.flatMap((container) => Object.keys(askOf(container, kind))));
    for (const name of names) {
      const amount = effective(spec, kind, name);
      needs[`${kind}.${name}`] = amount;
      // A quota's bare `cpu` means requests.
      if (kind === 'requests') needs[name] = amount;
    }
  }
  return needs;
}

/** A container that only says its limit requests as much. */
function askOf({ resources }: Container, kind: 'requests' | 'limits'): Record<string, string | number> {
  return kind === 'limits' ? (resources?.limits ?? {}) : { ...resources?.limits, ...resources?.requests };
}

function effective(spec: PodSpec, kind: 'requests' | 'limits', name: string): number {
  const of = (container: Container): number => quantity(askOf(container, kind)[name] ?? 0) || 0;
  const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';
  const inits = spec.initContainers ?? [];
  let sidecars = 0;
  let highest = 0;
  for (const init of inits) {
    highest = Math.max(highest, sidecars + of(init));
    if (isSidecar(init)) sidecars += of(init);
  }
  const together = (spec.containers ?? []).reduce((sum, container) => sum + of(container), sidecars);
  return Math.max(together, highest) + (quantity(spec.overhead?.[name] ?? 0) || 0);
}

/** @param count how many pods come on top of what is there. */
export function quotaProblems(quotas: KubeObject[], template: PodTemplate, count: number): Problem[] {
  const needs = podNeeds(template);
  return quotas
    .filter((quota) => counts(quota, needs))
    .flatMap((quota): Problem[] => {
      const lacking = lacks(quota, needs, count);
      if (lacking.length === 0) return [];
      const message = `it leaves no room for the canary, which is as large as the Deployment (${count} more pod${count === 1 ? '' : 's'}): ${lacking.join('; ')}. Raise the quota, or scale the Deployment down`;
      return [{ code: 'QUOTA', object: `ResourceQuota ${quota.metadata.name}`, message }];
    });
}

function lacks(quota: KubeObject, needs: PodNeeds, count: number): string[] {
  const status = quota['status'] as { hard?: Record<string, string>; used?: Record<string, string> } | undefined;
  return Object.entries(status?.hard ?? {}).flatMap(([name, limit]) => {
    const each = needs[name];
    if (each === undefined || each === 0) return [];
    const [hard, used] = [quantity(limit), quantity(status?.used?.[name] ?? '0')];
    // A trillionth is what adding fractions may be off.
    if (!(hard - used < each * count - 1e-12)) return [];
    const times = name.endsWith('pods') ? '' : ` (${count} × ${showQuantity(each)})`;
    return [
      `${name}: needs ${showQuantity(each * count)}${times}, free ${showQuantity(hard - used)} (${showQuantity(used)} of ${showQuantity(hard)} used)`,
    ];
  });
}

/** A quota with scopes counts certain pods only. One by priority class is not judged: the API server tells of it. */
function counts(quota: KubeObject, needs: PodNeeds): boolean {
  const spec = quota['spec'] as { scopes?: string[]; scopeSelector?: unknown } | undefined;
  if (spec?.scopeSelector !== undefined) return false;
  const isBestEffort = !Object.keys(needs).some((name) => /^(requests|limits)\.(cpu|memory)$/.test(name));
  return (spec?.scopes ?? []).every((scope) => {
    switch (scope) {
      case 'NotTerminating':
        return true;
      case 'BestEffort':
        return isBestEffort;
      case 'NotBestEffort':
        return !isBestEffort;
      default:
        return false;
    }
  });
}
