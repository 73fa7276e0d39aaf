/** Parts of the format that Sluice knows and does not carry out yet: refused by name, never ignored. */

import type { Path, PathProblem } from './problem.ts';

/** `*` stands for any key or index. A word after `=` restricts the row to that value. */
const KNOWN: { path: Path; value?: string; name: string }[] = [
  { path: ['kind'], value: 'lambda', name: 'kind: lambda' },
  { path: ['webhooks'], name: 'webhooks' },
  { path: ['targetFilters'], name: 'targetFilters' },
  { path: ['files'], name: 'files' },
  { path: ['sourceControl'], name: 'sourceControl' },
  {
    path: ['deploymentConfig', 'ifDeploymentInProgress', 'strategy'],
    value: 'enqueueone',
    name: 'ifDeploymentInProgress: enqueueOne',
  },
  { path: ['targets', '*', 'constraints', 'beforeDeployment'], name: 'targets.constraints.beforeDeployment' },
  { path: ['targets', '*', 'constraints', 'afterDeployment'], name: 'targets.constraints.afterDeployment' },
  { path: ['strategies', '*', 'blueGreen'], name: 'strategies.blueGreen' },
  { path: ['strategies', '*', 'canary', 'steps', '*', 'runWebhook'], name: 'runWebhook' },
  { path: ['strategies', '*', 'canary', 'steps', '*', 'exposeServices'], name: 'exposeServices' },
  { path: ['trafficManagement', '*', 'istio'], name: 'trafficManagement.istio' },
  { path: ['trafficManagement', '*', 'kubernetes'], name: 'trafficManagement.kubernetes' },
];

/** What of the unsupported a file uses, each with its place; and the file without it, so that the rest is checked all the same. */
export function findNotYet(file: object): { problems: PathProblem[]; rest: object } {
  const rest = structuredClone(file);
  const problems: PathProblem[] = [];
  for (const { path, value, name } of KNOWN) {
    for (const place of placesOf(rest, path)) {
      // Written once, it can stand at several places (an alias), and may be gone with the first.
      const found = at(rest, place);
      if (value !== undefined && String(found).toLowerCase() !== value) continue;
      problems.push({ path: place, message: `not supported yet: ${name}` });
      remove(rest, place);
    }
  }
  return { problems, rest };
}

function placesOf(node: unknown, [key, ...more]: Path): Path[] {
  if (key === undefined) return [[]];
  if (typeof node !== 'object' || node === null) return [];
  const keys = key === '*' ? Object.keys(node) : Object.keys(node).filter((own) => own === key);
  return keys.flatMap((own) => {
    const step = Array.isArray(node) ? Number(own) : own;
    return placesOf((node as Record<string, unknown>)[own], more).map((place) => [step, ...place]);
  });
}

function at(node: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)[key], node);
}

function remove(node: unknown, path: Path): void {
  const last = path.at(-1);
  const parent = at(node, path.slice(0, -1)) as Record<string | number, unknown>;
  if (last !== undefined) delete parent[last];
}
