/** A strategy's steps with names looked up and defaults filled in. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import { isKind } from './api-group.ts';
import { ANY, below, UNKNOWN, type Path, type PathProblem, type Rest } from './problem.ts';
import type { AnalysisQuery, AnalysisStep, CanaryStep, RunJobStep } from './resolved.ts';
import type { DeploymentFile, FileSpan, FileStep } from './schema.ts';
import { undefinedVariable } from './query-problems.ts';

type Problems = PathProblem[];
type Step<K extends keyof FileStep> = NonNullable<FileStep[K]>;

const UNIT_MS: Record<string, number> = { seconds: 1_000, minutes: 60_000, hours: 3_600_000 };
const JOB_TIMEOUT_MS = 600_000;

export function spanMs({ duration, unit }: FileSpan): number {
  return duration * (UNIT_MS[unit] ?? 60_000);
}

export interface StepContext {
  file: DeploymentFile;
  /** File-level context, under the step's own. */
  context: Record<string, string>;
  /** Reads a Job's manifest. */
  readJob(step: Step<'runJob'>, path: Path): { job: KubeObject; source: string } | undefined;
}

/** Problems are added to the list; the steps without them are returned. */
export function resolveSteps(steps: FileStep[], path: Path, context: StepContext, problems: Problems): CanaryStep[] {
  return steps.flatMap((step, index): CanaryStep[] => {
    const own = [...path, index];
    const kinds = Object.keys(step);
    if (kinds.length !== 1) {
      const message =
        kinds.length === 0
          ? 'a step needs its kind: setWeight, pause, analysis or runJob'
          : `a step has one kind, this has ${kinds.join(' and ')}: write each as an entry of its own`;
      problems.push({ path: own, message, restsOn: kinds.length === 0 ? [[...own, ANY]] : [] });
      return [];
    }
    if (step.setWeight !== undefined) return [{ kind: 'setWeight', weight: step.setWeight.weight }];
    if (step.pause !== undefined) return pause(step.pause, [...own, 'pause'], problems);
    if (step.analysis !== undefined) return analysis(step.analysis, [...own, 'analysis'], context, problems);
    if (step.runJob !== undefined) return runJob(step.runJob, [...own, 'runJob'], index, context, problems);
    return [];
  });
}

function pause(step: Step<'pause'>, path: Path, problems: Problems): CanaryStep[] {
  const { duration, unit, untilApproved, requiresRoles, approvalExpiration } = step;
  const say = (message: string): CanaryStep[] => {
    problems.push({ path, message, restsOn: [[...path, ANY]] });
    return [];
  };
  if (untilApproved === true) {
    if (duration !== undefined || unit !== undefined) {
      return say('untilApproved cannot be set with a duration or a unit: approve, or wait for a time');
    }
    return [
      {
        kind: 'approval',
        requiresRoles: requiresRoles ?? [],
        ...(approvalExpiration === undefined ? {} : { expiresAfterMs: spanMs(approvalExpiration) }),
      },
    ];
  }
  if (duration === undefined && unit === undefined)
    return say('a pause needs duration and unit, or untilApproved: true');
  if (unit === undefined) return say('unit must be set with a duration');
  if (duration === undefined) return say('duration must be set with a unit');
  if (requiresRoles !== undefined || approvalExpiration !== undefined) {
    return say('requiresRoles and approvalExpiration belong to untilApproved: true');
  }
  return [{ kind: 'pause', durationMs: spanMs({ duration, unit }) }];
}

function analysis(
  step: Step<'analysis'>,
  path: Path,
  { file, context }: StepContext,
  problems: Problems,
): AnalysisStep[] {
  const defined = file.analysis?.queries ?? [];
  const queries = step.queries.flatMap((name, index): AnalysisQuery[] => {
    const query = defined.find((candidate) => candidate.name === name);
    if (query === undefined) {
      const known = defined.map((candidate) => candidate.name).join(', ') || 'none';
      problems.push({
        path: [...path, 'queries', index],
        message: `query ${name} is not defined in analysis.queries (defined: ${known})`,
        restsOn: [['analysis', 'queries', ANY, 'name']],
      });
      return [];
    }
    const variable = undefinedVariable(query.queryTemplate, { ...context, ...step.context });
    if (variable !== undefined) {
      const message = `query ${name} uses {{context.${variable}}}, and context has no ${variable}: set it in the file's context, in the step's, or with --add-context ${variable}=...`;
      const contexts: Rest[] = [['context'], ['contextOverrides'], [...path, 'context']];
      const restsOn = contexts.map((place) => [...place, variable]);
      problems.push({ path: [...path, 'queries', index], message, restsOn });
    }
    const provider = step.metricProviderName ?? query.metricProviderName ?? file.analysis?.defaultMetricProviderName;
    const { queryTemplate: template, upperLimit, lowerLimit } = query;
    return [
      {
        name,
        template,
        ...(upperLimit === undefined ? {} : { upperLimit }),
        ...(lowerLimit === undefined ? {} : { lowerLimit }),
        ...(provider === undefined ? {} : { provider }),
      },
    ];
  });
  return [
    {
      kind: 'analysis',
      queries,
      intervalMs: step.interval * (UNIT_MS[step.units] ?? 60_000),
      runs: step.numberOfJudgmentRuns,
      rollBackMode: step.rollBackMode === 'manual' ? 'manual' : 'automatic',
      rollForwardMode: step.rollForwardMode === 'manual' ? 'manual' : 'automatic',
      lookback: lookbackOf(step.lookbackMethod),
      abortOnFailedJudgment: step.abortOnFailedJudgment ?? false,
      context: { ...context, ...step.context },
    },
  ];
}

function lookbackOf(method: string | undefined): AnalysisStep['lookback'] {
  return method === 'growing' || method === 'sliding' ? method : 'unset';
}

function runJob(
  step: Step<'runJob'>,
  path: Path,
  index: number,
  context: StepContext,
  problems: Problems,
): RunJobStep[] {
  if ((step.path === undefined) === (step.inline === undefined)) {
    problems.push({
      path,
      message: 'a runJob needs path or inline, and only one of them: the Job to run',
      restsOn: below(path, 'path', 'inline', UNKNOWN),
    });
    return [];
  }
  const read = context.readJob(step, path);
  if (read === undefined) return [];
  if (!isKind(read.job, 'Job.batch')) {
    problems.push({
      path,
      message: `runJob runs a Job, and ${read.source} is a ${read.job.kind} (${read.job.apiVersion})`,
    });
    return [];
  }
  const timeoutMs = step.timeout === undefined ? JOB_TIMEOUT_MS : spanMs(step.timeout);
  return [{ kind: 'runJob', name: step.name ?? read.job.metadata.name ?? `job-${index + 1}`, ...read, timeoutMs }];
}
