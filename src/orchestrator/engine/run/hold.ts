/** Holding a Deployment (paused) while the canary runs beside it, and letting it go. */

import type { ObjectRef } from '../../../protocol/kube-object.ts';
import { HELD, rolloutLabel } from '../../plan/marks.ts';
import type { CanaryState } from './canary-state.ts';

/** Nobody else's template change rolls out under the run. */
export async function hold(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const { name } = plan.asked.metadata;
  await run.say('rollout.phase', `Deployment ${name} is held (paused) while the canary runs beside it`, {
    phase: 'hold',
  });
  state.held = true;
  const body = { metadata: { labels: { [HELD]: rolloutLabel(run.identity.rolloutId) } }, spec: { paused: true } };
  await run.call(`hold Deployment ${name}`, { kind: 'patch', object: held(state), type: 'merge', body });
}

export async function resume(state: CanaryState): Promise<void> {
  const body = { metadata: { labels: { [HELD]: null } }, spec: { paused: null } };
  const what = `resume Deployment ${state.plan.asked.metadata.name}`;
  await state.run.insist(what, { kind: 'patch', object: held(state), type: 'merge', body, forget: true });
  state.held = false;
}

function held({ run, plan }: CanaryState): ObjectRef {
  const { namespace } = run.identity;
  return { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: plan.asked.metadata.name };
}
