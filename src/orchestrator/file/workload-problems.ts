/** What one target's objects, strategy and Services must be together, so that one run can carry them. */

import { groupKind, isKind } from './api-group.ts';
import type { WrittenObject } from './manifests.ts';
import { ANY, UNKNOWN, type FileProblem, type PathProblem, type Rest } from './problem.ts';
import type { SmiEntry } from './resolved.ts';
import type { DeploymentFile } from './schema.ts';
import { unknownName } from './targets.ts';

/** Which objects a target gets, and which Services. */
const OBJECTS: Rest[] = [
  ['manifests', ANY, 'targets', ANY],
  ['manifests', ANY, UNKNOWN],
];
const SMI: Rest[] = [
  ['trafficManagement', ANY, 'targets', ANY],
  ['trafficManagement', ANY, 'smi'],
  ['trafficManagement', ANY, UNKNOWN],
];

/** What one run can carry today: a Deployment with a strategy, and a root Service to shift. */
export function workloadProblems(
  name: string,
  file: DeploymentFile,
  objects: WrittenObject[],
  smi: SmiEntry[],
): PathProblem[] {
  const path = ['targets', name];
  const strategies = new Map(Object.entries(file.strategies ?? {}));
  const strategy = new Map(Object.entries(file.targets)).get(name)?.strategy;
  const hasDeployment = objects.some(({ object }) => isKind(object, 'Deployment.apps'));
  // Working files without a Deployment name a strategy and have none at all: there nothing asks for it.
  const unknown: PathProblem[] =
    strategy === undefined || strategies.has(strategy) || (!hasDeployment && file.strategies === undefined)
      ? []
      : [
          {
            path: [...path, 'strategy'],
            message: unknownName('strategy', strategy, [...strategies.keys()]),
            restsOn: [['strategies', strategy]],
          },
        ];
  const deployments = objects.filter(({ object }) => isKind(object, 'Deployment.apps'));
  if (deployments.length === 0) return unknown;
  if (strategy === undefined) {
    const message = `target ${name} has a Deployment and so needs a strategy`;
    return [{ path, message, restsOn: [...OBJECTS, [...path, 'strategy']] }];
  }
  const problems = [...unknown, ...deploymentsProblem(name, deployments)];
  if (smi.length > 1) {
    const message = `not supported yet: two smi entries for target ${name}`;
    problems.push({ path: ['trafficManagement'], message, restsOn: [...OBJECTS, ...SMI] });
  }
  const steps = strategies.get(strategy)?.canary.steps ?? [];
  // An entry without smi is told where it stands.
  if (smi.length === 0 && steps.length > 0 && !hasEntryFor(name, file)) {
    problems.push({
      path: [...path, 'strategy'],
      message: `not supported yet: canary without trafficManagement.smi (pod ratio), for target ${name}`,
      restsOn: [...OBJECTS, ...SMI],
    });
  }
  return problems;
}

function hasEntryFor(name: string, { trafficManagement = [] }: DeploymentFile): boolean {
  return trafficManagement.some(({ targets }) => targets === undefined || targets.includes(name));
}

function deploymentsProblem(name: string, deployments: WrittenObject[]): PathProblem[] {
  const byName = new Map(deployments.map((entry) => [entry.object.metadata.name, entry]));
  if (byName.size < 2) return [];
  const names = [...byName].map(([own, { source }]) => `${own} (${source})`).join(', ');
  const message = `not supported yet: two Deployments in one target: ${names}`;
  return [{ path: ['targets', name], message, restsOn: OBJECTS }];
}

/** An object of a target, with the entry of `manifests` that it came from. */
export interface TargetObject {
  written: WrittenObject;
  entry: number;
}

/** One object written twice: the second would silently win. Told once, for the first target that has it. */
export function duplicateProblems(
  byTarget: Map<string, TargetObject[]>,
  told: { problems: PathProblem[]; manifestProblems: FileProblem[] },
): void {
  const seen = new Set<string>();
  for (const [target, objects] of byTarget) {
    const first = new Map<string, TargetObject>();
    for (const own of objects) {
      const { object } = own.written;
      const key = JSON.stringify([groupKind(object), object.metadata.name]);
      const other = first.get(key);
      if (other === undefined) {
        first.set(key, own);
        continue;
      }
      const places = JSON.stringify([whereOf(other), whereOf(own), other.entry, own.entry]);
      if (seen.has(places)) continue;
      seen.add(places);
      if (whereOf(other) === whereOf(own)) told.problems.push(fileTwice(target, other, own));
      else told.manifestProblems.push(objectTwice(target, other.written, own.written));
    }
  }
}

function objectTwice(target: string, other: WrittenObject, { object, file, line, column }: WrittenObject): FileProblem {
  const { kind, metadata } = object;
  const namespaces = [other.object.metadata.namespace, metadata.namespace];
  const why = namespaces[0] === namespaces[1] ? '' : " (the target's namespace goes over those that are written there)";
  const message = `target ${target} has the ${kind} ${metadata.name} twice: here, and at ${whereOf({ written: other })}${why}`;
  return { file, line, column, path: '', message };
}

/** One file by two entries: a folder, and a file of it. */
function fileTwice(target: string, other: TargetObject, { written, entry }: TargetObject): PathProblem {
  const message = `target ${target} gets ${written.file} twice: from manifests[${other.entry}] and from manifests[${entry}]`;
  return { path: ['manifests', entry], message, restsOn: OBJECTS };
}

function whereOf({ written: { file, line, column } }: Pick<TargetObject, 'written'>): string {
  return `${file}:${line}:${column}`;
}
