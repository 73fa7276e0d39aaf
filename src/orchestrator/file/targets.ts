/** The targets and every name that points at one, or at a strategy: each must be there, and the order must have a beginning. */

import { ANY, below, UNKNOWN, type Path, type PathProblem } from './problem.ts';
import type { DeploymentFile } from './schema.ts';
import { nearest } from './schema-problems.ts';

export function targetProblems(file: DeploymentFile): PathProblem[] {
  return [
    ...ownProblems(file),
    ...referenceProblems(file),
    ...circleProblems(file),
    ...smiProblems(file),
    ...reachProblems(file),
  ];
}

function ownProblems({ targets }: DeploymentFile): PathProblem[] {
  const places = new Map<string, string>();
  const next = dependencies(targets);
  const isAfter = (later: string, earlier: string): boolean => wayTo(later, earlier, next) !== undefined;
  return Object.entries(targets).flatMap(([name, target]): PathProblem[] => {
    const path = ['targets', name];
    const problems: PathProblem[] = [];
    const { account, namespace } = target;
    if (account === undefined) {
      const message = `target ${name} needs account: the name of the cluster's agent`;
      problems.push({ path, message, restsOn: [[...path, 'account']] });
    }
    if (namespace === undefined) {
      const message = `target ${name} needs namespace: where its objects go`;
      problems.push({ path, message, restsOn: [[...path, 'namespace']] });
    }
    if (account === undefined || namespace === undefined) return problems;
    const place = `${account}/${namespace}`;
    const other = places.get(place);
    if (other !== undefined && !isAfter(name, other) && !isAfter(other, name)) {
      problems.push({
        path,
        message: `targets ${other} and ${name} are the same place (account ${account}, namespace ${namespace}) and may run at once: let one depend on the other`,
        restsOn: [name, other].flatMap((one) => [
          ['targets', one, 'account'],
          ['targets', one, 'namespace'],
          ['targets', one, 'constraints', 'dependsOn', ANY],
        ]),
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
  const inManifests = file.manifests.flatMap(({ targets }, index) => strangers(targets, ['manifests', index], known));
  return [
    ...Object.entries(file.targets).flatMap(([name, { constraints }]) =>
      unknownTargets(constraints?.dependsOn, ['targets', name, 'constraints', 'dependsOn'], known),
    ),
    ...inManifests.filter(({ isSlip }) => isSlip).map(({ problem }) => problem),
    ...(file.trafficManagement ?? []).flatMap(({ targets }, index) =>
      unknownTargets(targets, ['trafficManagement', index, 'targets'], known),
    ),
  ];
}

/** A manifest may name a target that is not there (working files comment targets out); what is like one that is there is a slip. */
export function strayTargets(file: DeploymentFile): PathProblem[] {
  const known = Object.keys(file.targets);
  return file.manifests
    .flatMap(({ targets }, index) => strangers(targets, ['manifests', index], known))
    .filter(({ isSlip }) => !isSlip)
    .map(({ problem: { path, message } }) => ({ path, message: `${message}: this entry does not go there` }));
}

function strangers(
  names: string[] | undefined,
  path: Path,
  known: string[],
): { problem: PathProblem; isSlip: boolean }[] {
  return (names ?? []).flatMap((name, index) => {
    const [problem] = unknownTargets([name], [...path, 'targets'], known);
    if (problem === undefined) return [];
    return [{ problem: { ...problem, path: [...path, 'targets', index] }, isSlip: nearest(name, known) !== undefined }];
  });
}

function unknownTargets(names: string[] | undefined, path: Path, known: string[]): PathProblem[] {
  return (names ?? []).flatMap((name, index) => {
    if (known.includes(name)) return [];
    return [{ path: [...path, index], message: unknownName('target', name, known), restsOn: [['targets', name]] }];
  });
}

function smiProblems({ trafficManagement = [] }: DeploymentFile): PathProblem[] {
  return trafficManagement.flatMap(({ smi = [] }, index): PathProblem[] => {
    const path = ['trafficManagement', index];
    if (smi.length === 0) {
      const message = 'an entry of trafficManagement needs smi: the Services to shift';
      const restsOn = below(path, 'smi', 'istio', 'kubernetes', UNKNOWN);
      return [{ path, message, restsOn }];
    }
    return smi.flatMap(({ rootServiceName, canaryServiceName }, entry): PathProblem[] =>
      rootServiceName === canaryServiceName
        ? [
            {
              path: [...path, 'smi', entry, 'canaryServiceName'],
              message: `canaryServiceName must be another Service than rootServiceName: ${rootServiceName} is what clients call`,
              restsOn: [[...path, 'smi', entry, 'rootServiceName']],
            },
          ]
        : [],
    );
  });
}

/** A target that gets no object deploys nothing, and would say that it succeeded. */
function reachProblems({ targets, manifests }: DeploymentFile): PathProblem[] {
  const lists = manifests.flatMap((manifest) => (manifest.targets === undefined ? [] : [manifest.targets]));
  if (manifests.length === 0 || lists.length < manifests.length) return [];
  const known = Object.keys(targets);
  const named = lists.flat();
  // A misspelt name is told by itself.
  const meant = named.filter((name) => !known.includes(name)).map((name) => nearest(name, known));
  return known
    .filter((name) => !named.includes(name) && !meant.includes(name))
    .map((name) => ({
      path: ['targets', name],
      message: `target ${name} gets no manifest: every entry of manifests has targets, and none names ${name}; name it in one, or take the target out`,
      restsOn: [
        ['manifests', ANY, 'targets', ANY],
        ['manifests', ANY, UNKNOWN],
      ],
    }));
}

/** Each target of a circle is told, with the way round. */
function circleProblems({ targets }: DeploymentFile): PathProblem[] {
  const next = dependencies(targets);
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

/** A name that is no target has none; nor has `constructor`, unless somebody called a target so. */
function dependencies(targets: DeploymentFile['targets']): (name: string) => string[] {
  const known = new Map(Object.entries(targets));
  return (name) => known.get(name)?.constraints?.dependsOn ?? [];
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
