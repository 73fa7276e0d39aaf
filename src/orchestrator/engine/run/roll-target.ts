/** One target's run, from pre-flight to its outcome: reads like section 2 of the design. */

import { messageOf } from '../../../shared/errors.ts';
import type { ResolvedTarget } from '../../file/resolved.ts';
import { preflight, type Findings } from '../../plan/preflight.ts';
import { planRollout, type CanaryPlan } from '../../plan/rollout-plan.ts';
import { newCanaryState, watchCanary } from './canary-state.ts';
import { Aborted, RunFault } from './fault.ts';
import { applyAll } from './first-deployment.ts';
import { observe } from './observe.ts';
import type { RolloutState } from '../../store/rollouts.ts';
import { prepare } from './prepare.ts';
import { metricsProblems } from './probe-metrics.ts';
import { promote } from './promote.ts';
import { rollBack } from './roll-back.ts';
import type { Run } from './run.ts';
import { runSteps } from './steps.ts';

export interface Outcome {
  state: Extract<RolloutState, 'succeeded' | 'rolledBack' | 'aborted' | 'failed'>;
  reason: string;
}

export async function rollTarget(run: Run, target: ResolvedTarget): Promise<Outcome> {
  await run.say('rollout.started', `${target.name}: reads the cluster`, { state: 'running', phase: 'preflight' });
  const outcome = await attemptTarget(run, target);
  run.unwatch();
  const { state, reason } = outcome;
  await run.say('ended', sentence(target.name, outcome), { state, phase: 'done', reason });
  await run.flush();
  return outcome;
}

async function attemptTarget(run: Run, target: ResolvedTarget): Promise<Outcome> {
  try {
    const observed = await observe(run, target);
    const findings = preflight(target, observed);
    findings.problems.push(...(await metricsProblems(run, target)));
    if (await refuse(run, findings)) return { state: 'failed', reason: refusal(findings) };
    const plan = planRollout(target, observed, run.identity.rolloutId);
    if (plan.kind === 'canary') return await rollCanary(run, plan);
    await applyAll(run, plan);
    return { state: 'succeeded', reason: '' };
  } catch (error) {
    return outcomeOf(error, 'failed');
  }
}

async function rollCanary(run: Run, plan: CanaryPlan): Promise<Outcome> {
  const state = newCanaryState(run, plan);
  watchCanary(state);
  try {
    await prepare(state);
    await runSteps(state);
    await promote(state);
    return { state: 'succeeded', reason: '' };
  } catch (error) {
    if (!run.canAbort) return leave(run, error);
    const outcome = outcomeOf(error, 'rolledBack');
    await rollBack(state, outcome.reason);
    await run.say('rollback.done', 'everything is as it was before');
    return outcome;
  }
}

/**
 * Past the point of no return the ways insist; what is thrown there all the same is a defect of ours. Nothing is undone:
 * traffic is on the new version. The run ends, so that its application is not blocked for ever.
 */
async function leave(run: Run, error: unknown): Promise<Outcome> {
  if (isEngines(error)) throw error;
  const reason = `internal error after adoption: ${messageOf(error)}; traffic is on the new version, what carries a sluice.dev mark is to be removed by hand`;
  await run.say('warning', reason);
  return { state: 'failed', reason };
}

/** Fencing and shutdown are the engine's own: they pass. */
function isEngines(error: unknown): boolean {
  return error instanceof Error && error.name.startsWith('DBOS');
}

/** A defect of ours rolls back like a fault, and says what it is. */
function outcomeOf(error: unknown, state: 'failed' | 'rolledBack'): Outcome {
  if (error instanceof Aborted) return { state: 'aborted', reason: error.message };
  if (error instanceof RunFault) return { state, reason: error.message };
  if (isEngines(error)) throw error;
  return { state, reason: `internal error: ${messageOf(error)}` };
}

function sentence(target: string, { state, reason }: Outcome): string {
  switch (state) {
    case 'succeeded':
      return `${target}: succeeded`;
    case 'rolledBack':
      return `${target}: rolled back: ${reason}`;
    case 'aborted':
      return `${target}: ${reason}; rolled back`;
    case 'failed':
      return `${target}: failed: ${reason}`;
  }
}

/** Says every problem and warning. @returns whether the run must not begin: nothing has been changed. */
async function refuse(run: Run, { problems, warnings }: Findings): Promise<boolean> {
  for (const warning of warnings) await run.say('warning', warning);
  for (const { code, object, message } of problems) {
    await run.say('problem', `${object}: ${message}`, undefined, { code, object });
  }
  return problems.length > 0;
}

function refusal({ problems }: Findings): string {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return `nothing was changed: ${first?.object}: ${first?.message}${more}`;
}
