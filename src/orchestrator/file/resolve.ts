/** From a checked file to what the run consumes: names looked up, manifests read, one entry per target. */

import { manifestFiles } from './manifest-files.ts';
import { inNamespace, readManifest } from './manifests.ts';
import type { FileProblem, PathProblem } from './problem.ts';
import { queryProblems } from './query-problems.ts';
import { resolveSteps, spanMs } from './resolve-steps.ts';
import type { CanaryStep, ResolvedFile, ResolvedObject, ResolvedTarget, SmiEntry } from './resolved.ts';
import type { DeploymentFile, FileStep } from './schema.ts';
import { targetProblems, unknownName } from './targets.ts';

export interface ResolveInput {
  /** The deployment file's name, for messages about what is written in it. */
  name: string;
  file: DeploymentFile;
  /** Manifests by their path as written. */
  files: Record<string, string>;
  application?: string | undefined;
  context?: Record<string, string> | undefined;
}

export interface Resolved {
  file: ResolvedFile;
  /** By path in the file. */
  problems: PathProblem[];
  /** In manifests, with their own places. */
  manifestProblems: FileProblem[];
  warnings: PathProblem[];
}

const READY_TIMEOUT_MS = 30 * 60_000;
const MIN_READY_TIMEOUT_MS = 60_000;

export function resolve(input: ResolveInput): Resolved {
  const { file } = input;
  const problems: PathProblem[] = [...targetProblems(file), ...queryProblems(file)];
  const manifests = readManifests(input, problems);
  const context = { ...file.contextOverrides, ...file.context, ...input.context };
  const strategies = readStrategies(input, context, manifests.problems, problems);
  const targets = Object.entries(file.targets).map(([name, target]): ResolvedTarget => {
    const namespace = target.namespace ?? '';
    const objects = manifests.entries
      .filter((entry) => entry.targets === undefined || entry.targets.includes(name))
      .flatMap((entry) => entry.objects.map((object) => inNamespace(object, namespace)));
    const smi = smiOf(file, name);
    problems.push(...workloadProblems(name, file, objects, smi));
    const hasDeployment = objects.some(({ object }) => object.kind === 'Deployment');
    const steps = target.strategy === undefined || !hasDeployment ? undefined : strategies.get(target.strategy);
    return {
      name,
      account: target.account ?? '',
      namespace,
      dependsOn: target.constraints?.dependsOn ?? [],
      objects,
      ...(steps === undefined || target.strategy === undefined ? {} : { strategy: { name: target.strategy, steps } }),
      smi,
      readyTimeoutMs: readyTimeout(file, problems),
    };
  });
  const application = input.application ?? file.application;
  if (application === undefined)
    problems.push({ path: ['application'], message: 'application is missing: name it here or with -n' });
  return {
    file: {
      application: application ?? '',
      description: file.description ?? '',
      context,
      targets,
      ifInProgress: 'reject',
    },
    problems: unique(problems),
    manifestProblems: manifests.problems,
    warnings: warningsOf(file),
  };
}

/** A complaint that holds for each target is made once. */
function unique(problems: PathProblem[]): PathProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ path, message }) => {
    const key = JSON.stringify([path, message]);
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}

function readyTimeout(file: DeploymentFile, problems: PathProblem[]): number {
  const timeout = file.deploymentConfig?.timeout;
  if (timeout === undefined) return READY_TIMEOUT_MS;
  // "none" is the format's word for no limit; a year is what it comes to.
  if (timeout.unit === 'none') return 365 * 24 * 3_600_000;
  const ms = spanMs(timeout);
  if (ms < MIN_READY_TIMEOUT_MS) {
    problems.push({
      path: ['deploymentConfig', 'timeout', 'duration'],
      message: 'timeout must be a minute at least: pods need time to start',
    });
  }
  return ms;
}

interface Manifests {
  entries: { targets: string[] | undefined; objects: ResolvedObject[] }[];
  problems: FileProblem[];
}

function readManifests({ name, file, files }: ResolveInput, problems: PathProblem[]): Manifests {
  const result: Manifests = { entries: [], problems: [] };
  for (const [index, manifest] of file.manifests.entries()) {
    const path = ['manifests', index];
    const objects: ResolvedObject[] = [];
    const take = (text: string, from: string): void => {
      const read = readManifest(text, from);
      objects.push(...read.objects);
      result.problems.push(...read.problems);
      if (read.objects.length === 0 && read.problems.length === 0)
        problems.push({ path, message: `${from} holds no object` });
    };
    if ((manifest.path === undefined) === (manifest.inline === undefined)) {
      problems.push({ path, message: 'a manifest needs path or inline, and only one of them' });
    } else if (manifest.inline !== undefined) {
      take(manifest.inline, `${name} (manifests[${index}].inline)`);
    } else if (manifest.path !== undefined) {
      const found = manifestFiles(manifest.path, files);
      if ('problem' in found) problems.push({ path: [...path, 'path'], message: found.problem });
      else for (const [written, text] of found.files) take(text, written);
    }
    result.entries.push({ targets: manifest.targets, objects });
  }
  return result;
}

function readStrategies(
  { name, file, files }: ResolveInput,
  context: Record<string, string>,
  manifestProblems: FileProblem[],
  problems: PathProblem[],
): Map<string, CanaryStep[]> {
  const readJob = (step: { path?: string | undefined; inline?: string | undefined }, path: PathProblem['path']) => {
    const found = step.path === undefined ? undefined : manifestFiles(step.path, files);
    if (found !== undefined && 'problem' in found) {
      problems.push({ path: [...path, 'path'], message: found.problem });
      return undefined;
    }
    if (found !== undefined && found.files.length > 1) {
      const message = `runJob runs one Job, and the folder ${step.path} has ${found.files.length} files: name one of them`;
      problems.push({ path: [...path, 'path'], message });
      return undefined;
    }
    const [written, text] = found?.files[0] ?? [`${name} (runJob.inline)`, step.inline ?? ''];
    const read = readManifest(text, written);
    manifestProblems.push(...read.problems);
    const [first, ...more] = read.objects;
    if (first !== undefined && more.length === 0) return { job: first.object, source: first.source };
    if (read.problems.length === 0)
      problems.push({ path, message: `${written} must hold one Job, and holds ${read.objects.length} objects` });
    return undefined;
  };
  return new Map(
    Object.entries(file.strategies ?? {}).map(([strategy, { canary }]) => {
      const path = ['strategies', strategy, 'canary', 'steps'];
      return [strategy, resolveSteps(canary.steps ?? [], path, { file, context, readJob }, problems)];
    }),
  );
}

function smiOf(file: DeploymentFile, target: string): SmiEntry[] {
  const entries = (file.trafficManagement ?? []).filter(
    ({ targets }) => targets === undefined || targets.includes(target),
  );
  return entries.flatMap(({ smi = [] }) =>
    smi.map(({ rootServiceName, canaryServiceName, trafficSplitName, retain }) => ({
      rootServiceName,
      ...(canaryServiceName === undefined ? {} : { canaryServiceName }),
      trafficSplitName: trafficSplitName ?? rootServiceName,
      ...(retain === undefined ? {} : { retain }),
    })),
  );
}

/** What one run can carry today: a Deployment with a strategy, and a root Service to shift. */
function workloadProblems(
  name: string,
  file: DeploymentFile,
  objects: ResolvedObject[],
  smi: SmiEntry[],
): PathProblem[] {
  const path = ['targets', name];
  const { strategy } = file.targets[name] ?? {};
  const problems: PathProblem[] = duplicateProblems(name, objects);
  const deployments = objects.filter(({ object }) => object.kind === 'Deployment');
  if (deployments.length === 0) return problems;
  if (strategy === undefined)
    return [...problems, { path, message: `target ${name} has a Deployment and so needs a strategy` }];
  const known = Object.keys(file.strategies ?? {});
  if (!known.includes(strategy))
    return [...problems, { path: [...path, 'strategy'], message: unknownName('strategy', strategy, known) }];
  if (deployments.length > 1) {
    const names = deployments.map(({ object, source }) => `${object.metadata.name} (${source})`).join(', ');
    problems.push({ path, message: `not supported yet: two Deployments in one target: ${names}` });
  }
  if (smi.length > 1) {
    problems.push({ path: ['trafficManagement'], message: `not supported yet: two smi entries for target ${name}` });
  }
  const steps = file.strategies?.[strategy]?.canary.steps ?? [];
  if (smi.length === 0 && steps.length > 0) {
    problems.push({
      path: [...path, 'strategy'],
      message: `not supported yet: canary without trafficManagement.smi (pod ratio), for target ${name}`,
    });
  }
  return problems;
}

/** One object written twice: the second would silently win. */
function duplicateProblems(name: string, objects: ResolvedObject[]): PathProblem[] {
  const first = new Map<string, ResolvedObject>();
  return objects.flatMap((entry): PathProblem[] => {
    const { apiVersion, kind, metadata } = entry.object;
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    const key = [group, kind, metadata.name].join(' ');
    const other = first.get(key);
    if (other === undefined) {
      first.set(key, entry);
      return [];
    }
    const message = `target ${name} has the ${kind} ${metadata.name} twice: ${other.source} and ${entry.source}`;
    return [{ path: ['targets', name], message }];
  });
}

function warningsOf(file: DeploymentFile): PathProblem[] {
  const steps = Object.entries(file.strategies ?? {}).flatMap(([strategy, { canary }]) =>
    stepWarnings(canary.steps ?? [], ['strategies', strategy, 'canary', 'steps']),
  );
  if (file.deploymentConfig?.keepDeploymentObject !== false) return steps;
  const message = 'keepDeploymentObject: false has no effect: Sluice always keeps your Deployment';
  return [...steps, { path: ['deploymentConfig', 'keepDeploymentObject'], message }];
}

/** What is carried out, and may not be what was meant. */
function stepWarnings(steps: FileStep[], path: PathProblem['path']): PathProblem[] {
  let highest = 0;
  return steps.flatMap(({ setWeight, pause }, index): PathProblem[] => {
    if (pause?.requiresRoles !== undefined) {
      const message = 'requiresRoles is shown and not enforced yet: whoever reaches the API may approve';
      return [{ path: [...path, index, 'pause', 'requiresRoles'], message }];
    }
    const before = highest;
    highest = Math.max(highest, setWeight?.weight ?? 0);
    if (setWeight === undefined || setWeight.weight >= before) return [];
    const message = `weight falls from ${before} to ${setWeight.weight}: the canary gives traffic back`;
    return [{ path: [...path, index, 'setWeight', 'weight'], message }];
  });
}
