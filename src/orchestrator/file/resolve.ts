/** From a checked file to what the run consumes: names looked up, manifests read, one entry per target. */

import { isKind } from './api-group.ts';
import { warningsOf } from './file-warnings.ts';
import { inNamespace } from './manifests.ts';
import { ANY, type FileProblem, type PathProblem } from './problem.ts';
import { queryProblems } from './query-problems.ts';
import { readJob, readManifests, type ManifestSource, type ProblemLists } from './read-manifests.ts';
import { resolveGuard } from './resolve-guard.ts';
import { resolveSteps, spanMs } from './resolve-steps.ts';
import type { CanaryStep, ResolvedFile, ResolvedTarget, SmiEntry } from './resolved.ts';
import type { DeploymentFile } from './schema.ts';
import { targetProblems } from './targets.ts';
import { duplicateProblems, workloadProblems, type TargetObject } from './workload-problems.ts';

export interface ResolveInput extends ManifestSource {
  file: DeploymentFile;
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
  const lists: ProblemLists = { problems: [...targetProblems(file), ...queryProblems(file)], manifestProblems: [] };
  const entries = readManifests(file, input, lists);
  const context = { ...file.contextOverrides, ...file.context, ...input.context };
  const strategies = readStrategies(input, context, lists);
  const readyTimeoutMs = readyTimeout(file, lists.problems);
  const guard = resolveGuard(file.guard, lists.problems);
  const byTarget = new Map<string, TargetObject[]>();
  const targets = Object.entries(file.targets).map(([name, target]): ResolvedTarget => {
    const own = entries.flatMap(({ targets: named, objects }, entry) =>
      named === undefined || named.includes(name) ? objects.map((written) => ({ written, entry })) : [],
    );
    byTarget.set(name, own);
    const written = own.map((object) => object.written);
    const smi = smiOf(file, name);
    lists.problems.push(...workloadProblems(name, file, written, smi));
    const hasDeployment = written.some(({ object }) => isKind(object, 'Deployment.apps'));
    const steps = target.strategy === undefined || !hasDeployment ? undefined : strategies.get(target.strategy);
    const namespace = target.namespace ?? '';
    return {
      name,
      account: target.account ?? '',
      namespace,
      dependsOn: target.constraints?.dependsOn ?? [],
      objects: written.map((object) => inNamespace(object, namespace)),
      ...(steps === undefined || target.strategy === undefined ? {} : { strategy: { name: target.strategy, steps } }),
      smi,
      readyTimeoutMs,
      guard,
    };
  });
  duplicateProblems(byTarget, lists);
  const application = input.application ?? file.application;
  if (application === undefined)
    lists.problems.push({ path: ['application'], message: 'application is missing: name it here or with -n' });
  return {
    file: {
      application: application ?? '',
      description: file.description ?? '',
      context,
      targets,
      ifInProgress: 'reject',
    },
    ...lists,
    warnings: warningsOf(file),
  };
}

function readStrategies(
  input: ResolveInput,
  context: Record<string, string>,
  lists: ProblemLists,
): Map<string, CanaryStep[]> {
  const steps = {
    file: input.file,
    context,
    readJob: (step: Parameters<typeof readJob>[0], path: PathProblem['path']) => readJob(step, path, input, lists),
  };
  return new Map(
    Object.entries(input.file.strategies ?? {}).map(([strategy, { canary }]) => {
      const path = ['strategies', strategy, 'canary', 'steps'];
      return [strategy, resolveSteps(canary.steps ?? [], path, steps, lists.problems)];
    }),
  );
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
      restsOn: [['deploymentConfig', 'timeout', ANY]],
    });
  }
  return ms;
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
