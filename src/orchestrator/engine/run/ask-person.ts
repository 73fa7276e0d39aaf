/** Holding for a person: an approval, or a verdict that no rule decides. */

import { showDuration } from '../../../shared/duration.ts';
import type { CanaryState } from './canary-state.ts';
import { RunFault } from './fault.ts';
import { watchfully } from './watchful.ts';

/** Holds where it is until a person approves. @throws Aborted, or RunFault when nobody came in time. */
export async function askPerson(state: CanaryState, question: string, limitMs?: number): Promise<void> {
  const { run } = state;
  await run.forgetApprovals();
  await run.say('approval.wanted', `${question}: sluice approve ${run.identity.deploymentId}, or sluice abort`, {
    state: 'waitingApproval',
    reason: question,
  });
  const end = await watchfully(state, 'approval', { ...(limitMs === undefined ? {} : { limitMs }), approvals: true });
  if (end.kind !== 'control') throw new RunFault(`nobody approved within ${showDuration(limitMs ?? 0)}`);
  await run.say('approval.given', `approved by ${end.control.by}`, { state: 'running', reason: '' });
}
