/** What is stored of a rollout, as a map of paths, and where it stands by it. Pure. */

import type { Learned, Plan, Stage } from './model.ts';

/** No order, no counter, no replay: read whole when a run is taken up. */
export interface Checkpoints {
  /** Ended stages with what they found out: `forward/hold`, `undo/back`. */
  stages: Readonly<Record<string, Learned>>;
  /** Passed gates, by path. */
  gates: Readonly<Record<string, true>>;
  /** Watched time of gates that are not over, by path. */
  watchedMs: Readonly<Record<string, number>>;
  /** The commit stage has begun. */
  commit?: true;
  /** Why the rollout goes back, or settles. */
  undo?: { reason: string };
  settle?: { reason: string };
}

export type Direction = 'forward' | 'undo' | 'settle';

export const NO_CHECKPOINTS: Checkpoints = { stages: {}, gates: {}, watchedMs: {} };
const NOTHING: Learned = { uids: {}, followers: {}, unrestored: [] };

export interface Cursor {
  direction: Direction;
  stage: Stage;
  previous: Stage | undefined;
}

export function directionOf({ undo, settle }: Checkpoints): Direction {
  if (settle !== undefined) return 'settle';
  return undo === undefined ? 'forward' : 'undo';
}

/** Where the rollout stands: the first stage without a checkpoint. @returns undefined: it has ended. */
export function cursorOf(plan: Plan, checkpoints: Checkpoints): Cursor | undefined {
  const direction = directionOf(checkpoints);
  const list = stagesOf(plan, direction).filter(
    ({ onlyAfter }) => onlyAfter === undefined || hasBegun(plan, checkpoints, onlyAfter),
  );
  const index = list.findIndex(({ name }) => checkpoints.stages[`${direction}/${name}`] === undefined);
  const stage = list[index];
  if (stage === undefined) return undefined;
  return { direction, stage, previous: list[index - 1] };
}

function stagesOf(plan: Plan, direction: Direction): Stage[] {
  return { forward: plan.stages, undo: plan.undo, settle: plan.settle }[direction];
}

/** Everything that ended stages found out. */
export function learnedOf({ stages }: Checkpoints, plan: Plan): Learned {
  let learned = NOTHING;
  for (const direction of ['forward', 'undo', 'settle'] as const) {
    for (const { name } of stagesOf(plan, direction)) {
      const more = stages[`${direction}/${name}`];
      if (more === undefined) continue;
      learned = {
        uids: { ...learned.uids, ...more.uids },
        followers: { ...learned.followers, ...more.followers },
        unrestored: [...new Set([...learned.unrestored, ...more.unrestored])],
      };
    }
  }
  return learned;
}

/** A stage of the way forward may have written: the one before it has ended. */
function hasBegun(plan: Plan, { stages }: Checkpoints, name: string): boolean {
  const index = plan.stages.findIndex((stage) => stage.name === name);
  const before = plan.stages[index - 1];
  return before === undefined || stages[`forward/${before.name}`] !== undefined;
}
