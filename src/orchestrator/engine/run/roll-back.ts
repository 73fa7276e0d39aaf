/** Rollback: weights first and at once, everything else after; step 11 of the design. The stable was never touched. */

import type { ObjectRef } from '../../../protocol/kube-object.ts';
import { endpointsOf } from '../../plan/assess.ts';
import { resizePatch } from '../../plan/canary-set.ts';
import type { CanaryState } from './canary-state.ts';
import { remove, removeRouting, undoChanges } from './clean-up.ts';
import { dropGuard } from './guard.ts';
import { resume } from './hold.ts';
import { removeJobs } from './job.ts';
import { tellLastLines } from './last-lines.ts';
import { narrowRoot } from './prepare.ts';
import { insistConfirmed, insistWeights } from './shift.ts';

export async function rollBack(state: CanaryState, reason: string): Promise<void> {
  const { run, plan } = state;
  run.canAbort = false;
  run.afterGuard = true;
  if (state.expected.isServing) await trafficToStable(state, reason);
  else await run.say('rollback.started', `rolls back: ${reason}`, { phase: 'rollback', reason });
  if (state.canaryMade) await tellLastLines(run, plan.canaryHash);
  await dropGuard(state);
  await removeJobs(state);
  if (state.canaryMade) await removeCanary(state);
  await removeRouting(state);
  if (state.held) await resume(state);
  if (state.othersApplied) await undoChanges(run, plan.others.undo);
}

async function trafficToStable(state: CanaryState, reason: string): Promise<void> {
  const { run, plan } = state;
  const { names } = plan;
  state.expected.isServing = false;
  await run.forward(
    `rollback wanted (${reason}), but no ready pod of the old version is seen (there is none, or the agent is away): traffic stays where it is until one is`,
    (snapshot) => (endpointsOf(snapshot, names.stable).length > 0 ? true : undefined),
    0,
  );
  await insistWeights(state, 0);
  await run.say('rollback.started', `rolls back: ${reason}`, { phase: 'rollback', reason, weight: 0 });
  await run.say('rollout.weight', `${names.root} is back at the old version`, { weight: 0 });
  if (state.rootPicks === 'canary') await narrowRoot(state, 'stable');
  await insistConfirmed(state, 0);
  await run.drain(run.drainMs);
}

/** To 0 first, then away: its pods end before the root's own selector could pick them. */
async function removeCanary({ run, plan }: CanaryState): Promise<void> {
  const { namespace } = run.identity;
  const set: ObjectRef = { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace, name: plan.canarySetName };
  await run.insist('scale canary to 0', { kind: 'patch', object: set, type: 'merge', body: resizePatch(0) });
  await run.forward('the canary pods have not ended yet', ({ pods }) =>
    pods.some(({ hash }) => hash === plan.canaryHash) ? undefined : true,
  );
  await remove(run, set);
}
