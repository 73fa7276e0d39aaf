/** What a canary run has done so far: rebuilt by a replay, read by the rollback to know what there is to undo. */

import type { Verdict } from '../../analysis/judge.ts';
import type { Expectation } from '../../plan/assess.ts';
import type { CanaryPlan } from '../../plan/rollout-plan.ts';
import type { Run } from './run.ts';

export interface CanaryState {
  run: Run;
  plan: CanaryPlan;
  /** What must be true while the run waits. */
  expected: Expectation;
  held: boolean;
  othersApplied: boolean;
  backendsMade: boolean;
  splitMade: boolean;
  /** Which revision the root picks now; its owner's selector if none. */
  rootPicks: 'all' | 'stable' | 'canary';
  canaryMade: boolean;
  /** linkerd-smi answers: a ServiceProfile followed the split, so each later write is read back from it. */
  profileFollows: boolean;
  /** The agent is too old to guard; that was said. */
  cannotGuard: boolean;
  /** Jobs that are to be removed. */
  jobs: string[];
  /** Of analyses and jobs so far, oldest first. */
  verdicts: StepVerdict[];
}

interface StepVerdict {
  step: number;
  verdict: Verdict;
  reason: string;
}

export function newCanaryState(run: Run, plan: CanaryPlan): CanaryState {
  return {
    run,
    plan,
    expected: {
      stableHash: plan.stableHash,
      canaryHash: plan.canaryHash,
      canarySetName: plan.canarySetName,
      canaryReplicas: plan.canaryReplicas,
      deploymentReplicas: plan.liveReplicas,
      isServing: false,
    },
    held: false,
    othersApplied: false,
    // Those of an earlier run are this one's to keep or to take away, however it ends.
    backendsMade: plan.isRetained,
    splitMade: plan.isRetained,
    rootPicks: 'all',
    canaryMade: false,
    profileFollows: plan.isRetained && plan.names.profile !== undefined,
    cannotGuard: false,
    jobs: [],
    verdicts: [],
  };
}

/** Has the agent watch all that this run's waits look at. Said again after each change of names, and by each replay. */
export function watchCanary({ run, plan, jobs }: CanaryState): void {
  const { names } = plan;
  run.watch({
    deployment: plan.asked.metadata.name,
    services: [names.root, names.stable, names.canary],
    split: names.split,
    routes: names.companions.map(({ name }) => name),
    profiles: names.profile === undefined ? [] : [names.profile],
    jobs: [...jobs],
  });
}
