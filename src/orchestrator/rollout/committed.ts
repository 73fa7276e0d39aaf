/** Whether the commit is made: as the cluster shows it, not as it was meant. Pure. */

import type { Checkpoints } from './checkpoints.ts';
import type { Plan, World } from './model.ts';

/**
 * The adoption labels are on a canary's set, or its Deployment has it, or once had: the stage after the commit has ended.
 * @returns undefined while that is not seen live.
 */
export function committed({ bindings, stages }: Plan, checkpoints: Checkpoints, world: World): boolean | undefined {
  if (checkpoints.commit !== true) return false;
  const commit = stages.findIndex(({ isCommit }) => isCommit === true);
  const adoption = stages[commit + 1];
  if (adoption !== undefined && checkpoints.stages[`forward/${adoption.name}`] !== undefined) return true;
  if (!world.isLive('ReplicaSet') || !world.isLive('Deployment')) return undefined;
  return bindings.some(({ workload }) => {
    const set = world.see('ReplicaSet', workload.setName);
    if (typeof set === 'string') return false;
    const isLabelled = Object.entries(workload.adoptionLabels).every(
      ([key, value]) => set.fields[`label:${key}`] === value,
    );
    return isLabelled || set.facts.ownerUid === workload.uid;
  });
}
