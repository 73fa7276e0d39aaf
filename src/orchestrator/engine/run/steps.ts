/** The strategy's steps, one after the other. A verdict that is due is read before the weight moves. */

import { showDuration } from '../../../shared/duration.ts';
import type { ApprovalStep, CanaryStep, PauseStep, SetWeightStep } from '../../file/resolved.ts';
import { showPercent } from '../../plan/weights.ts';
import { analyse } from './analyse.ts';
import { askPerson } from './ask-person.ts';
import type { CanaryState } from './canary-state.ts';
import { keepGuard } from './guard.ts';
import { runJob } from './job.ts';
import { canaryReady } from './prepare.ts';
import { shift } from './shift.ts';
import { watchfully } from './watchful.ts';

export async function runSteps(state: CanaryState): Promise<void> {
  const { steps } = state.plan;
  for (const [index, step] of steps.entries()) {
    const progress = { phase: 'step', step: index + 1, steps: steps.length };
    const message = `step ${index + 1} of ${steps.length}: ${describe(step)}`;
    await state.run.say('rollout.phase', message, progress, { step: step.kind });
    await runStep(state, step, index + 1);
  }
}

function describe(step: CanaryStep): string {
  switch (step.kind) {
    case 'setWeight':
      return `${showPercent(step.weight)} to the canary`;
    case 'pause':
      return `pause for ${showDuration(step.durationMs)}`;
    case 'approval':
      return 'wait for approval';
    case 'analysis':
      return `analysis of ${step.queries.map(({ name }) => name).join(', ')}, ${step.runs} × ${showDuration(step.intervalMs)}`;
    case 'runJob':
      return `job ${step.name}`;
  }
}

function runStep(state: CanaryState, step: CanaryStep, number: number): Promise<void> {
  switch (step.kind) {
    case 'setWeight':
      return setWeight(state, step);
    case 'pause':
      return pauseFor(state, step);
    case 'approval':
      return approval(state, step);
    case 'analysis':
      return analyse(state, step, number);
    case 'runJob':
      return runJob(state, step, number);
  }
}

/** Also used for the last 100 %. */
export async function setWeight(state: CanaryState, { weight }: Pick<SetWeightStep, 'weight'>): Promise<void> {
  if (weight > 0) {
    await canaryReady(state, state.plan.readyTimeoutMs);
    await keepGuard(state);
    state.expected.isServing = true;
  }
  await shift(state, weight);
}

async function pauseFor(state: CanaryState, { durationMs }: PauseStep): Promise<void> {
  await state.run.say('pause', `pauses for ${showDuration(durationMs)}`);
  await watchfully(state, 'pause', { limitMs: durationMs });
}

async function approval(state: CanaryState, step: ApprovalStep): Promise<void> {
  const roles = step.requiresRoles.length === 0 ? '' : ` by one of ${step.requiresRoles.join(', ')}`;
  await askPerson(state, `waits for approval${roles}`, step.expiresAfterMs);
}
