/** An analysis step: measurements at their intervals, each judged and told, and a verdict at the end. */

import type { AnalysisQuery, AnalysisStep } from '../../file/resolved.ts';
import { judgeAll, judgeOne, together, type Judgement, type Measurement } from '../../analysis/judge.ts';
import { renderQuery, type QueryVariables } from '../../analysis/query-template.ts';
import type { CanaryState } from './canary-state.ts';
import { RunFault } from './fault.ts';
import { askPerson } from './ask-person.ts';
import { watchfully } from './watchful.ts';

export async function analyse(state: CanaryState, step: AnalysisStep, number: number): Promise<void> {
  const startMs = await state.run.now();
  const taken = new Map<string, Measurement[]>(step.queries.map(({ name }) => [name, []]));
  for (let turn = 1; turn <= step.runs; turn++) {
    await watchfully(state, 'analysis interval', { limitMs: step.intervalMs });
    const judgement = await measureAll(state, step, startMs, turn, taken);
    if (judgement.verdict === 'failed' && step.abortOnFailedJudgment) return conclude(state, step, number, judgement);
  }
  const verdict = together(step.queries.map((query) => judgeAll(query.name, query, taken.get(query.name) ?? [])));
  return conclude(state, step, number, verdict);
}

async function measureAll(
  state: CanaryState,
  step: AnalysisStep,
  startMs: number,
  turn: number,
  taken: Map<string, Measurement[]>,
): Promise<Judgement> {
  const { run } = state;
  const endMs = await run.now();
  const judgements: Judgement[] = [];
  for (const query of step.queries) {
    const text = renderQuery(query.template, variables(state, step, startMs, endMs));
    const measurement = await run.step(`measure ${query.name}`, () =>
      run.metrics.measure(providerOf(query, state), text, endMs),
    );
    taken.get(query.name)?.push(measurement);
    const judgement = judgeOne(query.name, query, measurement);
    judgements.push(judgement);
    await run.say('analysis.measurement', `measurement ${turn} of ${step.runs}: ${judgement.reason}`, undefined, {
      query: query.name,
      measurement,
      verdict: judgement.verdict,
    });
  }
  return together(judgements);
}

export function providerOf(query: AnalysisQuery, { run }: Pick<CanaryState, 'run'>): string {
  return query.provider ?? run.metrics.providers[0] ?? '';
}

function variables(state: CanaryState, step: AnalysisStep, startMs: number, endMs: number): QueryVariables {
  const { identity } = state.run;
  const isGrowing = step.lookback === 'growing';
  return {
    applicationName: identity.application,
    deploymentId: identity.deploymentId,
    environmentName: identity.target,
    accountName: identity.account,
    namespace: identity.namespace,
    replicaSetName: state.plan.canarySetName,
    startMs: isGrowing ? startMs : endMs - step.intervalMs,
    endMs,
    context: step.context,
  };
}

/** Failed rolls back, inconclusive never passes: a person decides, as they do where the file asks for it. */
async function conclude(state: CanaryState, step: AnalysisStep, number: number, judgement: Judgement): Promise<void> {
  const { verdict, reason } = judgement;
  state.verdicts.push({ step: number, verdict, reason });
  await state.run.say(
    'analysis.verdict',
    `analysis ${verdict}: ${reason}`,
    { verdicts: [...state.verdicts] },
    { verdict, step: number },
  );
  switch (verdict) {
    case 'failed':
      if (step.rollBackMode === 'automatic') throw new RunFault(`analysis failed: ${reason}`);
      return askPerson(state, `analysis failed (${reason}): go on all the same?`);
    case 'inconclusive':
      return askPerson(state, `analysis is inconclusive (${reason}): go on all the same?`);
    case 'passed':
      if (step.rollForwardMode === 'manual') return askPerson(state, `analysis passed (${reason}): go on?`);
  }
}
