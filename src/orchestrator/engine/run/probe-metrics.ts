/** Asks each metric provider of a run's analyses one cheap thing, before anything is changed. */

import type { ResolvedTarget } from '../../file/resolved.ts';
import type { Problem } from '../../plan/problem.ts';
import { providerOf } from './analyse.ts';
import type { Run } from './run.ts';

/** A provider that cannot be asked is found before the canary runs, not at its first analysis. That a query finds no data is no problem yet. */
export async function metricsProblems(run: Run, target: ResolvedTarget): Promise<Problem[]> {
  const steps = (target.strategy?.steps ?? []).filter((step) => step.kind === 'analysis');
  const queries = steps.flatMap((step) => step.queries);
  const names = [...new Set(queries.map((query) => providerOf(query, { run })))];
  const problems: Problem[] = [];
  for (const name of names) {
    const measurement = await run.step(`try provider ${name}`, async () =>
      run.metrics.measure(name, 'vector(1)', Date.now()),
    );
    if (measurement.kind === 'value') continue;
    const asking = [...new Set(queries.filter((query) => providerOf(query, { run }) === name).map((one) => one.name))];
    problems.push({
      code: 'METRICS_UNREACHABLE',
      object: `metric provider ${name || '(none)'}`,
      message: `${measurement.reason}${todo(run, name)} (asked by the analysis of ${asking.join(', ')})`,
    });
  }
  return problems;
}

/** One that is not configured says so itself. */
function todo({ metrics }: Run, name: string): string {
  return metrics.providers.includes(name)
    ? `: bring it up, or correct the orchestrator's --metric-provider ${name}=URL`
    : '';
}
