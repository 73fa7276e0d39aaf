/** What people, tools and machines do to a rollout under way. */

import { chance } from './clock.ts';
import { HARMS } from './harms.ts';
import { OUTAGES } from './outages.ts';
import { pick, tolerate, type Act, type Scene } from './scene.ts';

/** Data, so that a history can be printed, shortened and played again. */
export interface Action {
  kind: string;
  /** Since the rollout began. */
  afterMs: number;
  /** Of what it draws by chance. */
  seed: number;
}

const KINDS: Readonly<Record<string, Act>> = { ...OUTAGES, ...HARMS };

export const KIND_NAMES: readonly string[] = Object.keys(KINDS);

/** A fifth of the runs is left alone; the others meet one to four actions, two in five of them only outages. */
export function plague(random: () => number): Action[] {
  if (random() < 0.2) return [];
  const names = Object.keys(KINDS);
  const usable = random() < 0.4 ? Object.keys(OUTAGES) : names;
  const count = 1 + Math.floor(random() * 4);
  return Array.from({ length: count }, () => ({
    kind: pick(usable, random),
    afterMs: Math.floor(random() ** 2 * 90_000),
    seed: Math.floor(random() * 2 ** 32),
  }));
}

/** Requests may be lost by it, until the rollout has answered. */
export function isHarm({ kind }: Pick<Action, 'kind'>): boolean {
  return kind in HARMS;
}

export function actOut({ kind, seed }: Action, scene: Scene): void {
  const act = KINDS[kind];
  if (act === undefined) throw new Error(`There is no action ${kind}.`);
  tolerate(() => act(scene, chance(seed)));
}
