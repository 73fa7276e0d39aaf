/** The targets and every name that points at one, or at a strategy: each must be there, and the order must have a beginning. */

import type { PathProblem } from './problem.ts';
import type { DeploymentFile } from './schema.ts';
import { nearest } from './schema-problems.ts';

export function targetProblems(file: DeploymentFile): PathProblem[] {
  return [...ownProblems(file), ...referenceProblems(file), ...circleProblems(file), ...smiProblems(file)];
}

function ownProblems({ targets }: DeploymentFile): PathProblem[] {
  const places = new Map<string, string>();
  const next = (name: string): string[] => targets[name]?.constraints?.dependsOn ?? [];
  const isAfter = (later: string, earlier: string): boolean => wayTo(later, earlier, next) !== undefined;
  return Object.entries(targets).flatMap(([name, target]): PathProblem[] => {
    const path = ['targets', name];
    const problems: PathProblem[] = [];
    if (target.account === undefined)
      problems.push({ path, message: `target ${name} needs account: the name of the cluster's agent` });
    if (target.namespace === undefined) problems.push({ path, message: `target ${name} needs namespace` });
    const place = `${target.account}/${target.namespace}`;
    const other = places.get(place);
    if (other !== undefined && target.account !== undefined && !isAfter(name, other) && !isAfter(other, name)) {
      problems.push({
        path,
        message: `targets ${other} and ${name} are the same place (account ${target.account}, namespace ${target.namespace}) and may run at once: let one depend on the other`,
      });
    }
    places.set(place, name);
    return problems;
  });
}

export function unknownName(what: string, name: string, known: string[]): string {
  const meant = nearest(name, known);
  const hint = meant === undefined ? `known: ${known.join(', ') || 'none'}` : `did you mean ${meant}?`;
  return `there is no ${what} ${name} (${hint})`;
}

function referenceProblems(file: DeploymentFile): PathProblem[] {
  const known = Object.keys(file.targets);
  const check = (names: string[] | undefined, path: (string | number)[]): PathProblem[] =>
    (names ?? []).flatMap((name, index) =>
      known.includes(name) ? [] : [{ path: [...path, index], message: unknownName('target', name, known) }],
    );
  return [
    ...Object.entries(file.targets).flatMap(([name, { constraints }]) =>
      check(constraints?.dependsOn, ['targets', name, 'constraints', 'dependsOn']),
    ),
    ...file.manifests.flatMap(({ targets }, index) => check(targets, ['manifests', index, 'targets'])),
    ...(file.trafficManagement ?? []).flatMap(({ targets }, index) =>
      check(targets, ['trafficManagement', index, 'targets']),
    ),
  ];
}

function smiProblems({ trafficManagement = [] }: DeploymentFile): PathProblem[] {
  return trafficManagement.flatMap(({ smi = [] }, index): PathProblem[] => {
    const path = ['trafficManagement', index];
    if (smi.length === 0)
      return [{ path, message: 'an entry of trafficManagement needs smi: the Services to shift', isAbsence: true }];
    return smi.flatMap(({ rootServiceName, canaryServiceName }, entry): PathProblem[] =>
      rootServiceName === canaryServiceName
        ? [
            {
              path: [...path, 'smi', entry, 'canaryServiceName'],
              message: `canaryServiceName must be another Service than rootServiceName: ${rootServiceName} is what clients call`,
            },
          ]
        : [],
    );
  });
}

/** Each target of a circle is told, with the way round. */
function circleProblems({ targets }: DeploymentFile): PathProblem[] {
  const next = (name: string): string[] => targets[name]?.constraints?.dependsOn ?? [];
  return Object.keys(targets).flatMap((start): PathProblem[] => {
    const way = wayTo(start, start, next);
    if (way === undefined) return [];
    const path = ['targets', start, 'constraints', 'dependsOn'];
    const message =
      way.length === 2
        ? `target ${start} depends on itself`
        : `targets depend on each other in a circle: ${way.join(' -> ')}`;
    return [{ path, message }];
  });
}

/** A way along `next`, of one step at least. */
function wayTo(start: string, end: string, next: (name: string) => string[]): string[] | undefined {
  const seen = new Set<string>();
  const ways = [[start]];
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const name of next(way.at(-1) ?? '')) {
      if (name === end) return [...way, end];
      if (!seen.has(name)) ways.push([...way, name]);
      seen.add(name);
    }
  }
  return undefined;
}
