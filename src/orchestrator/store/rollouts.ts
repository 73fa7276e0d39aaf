/** Statements on `rollout`: one target's run, as its newest event left it. */

import type { Store } from './store.ts';

/**
 * `waitingApproval`: a step waits for a person. `stalled`: it cannot go on without one. `skipped`: a target it depends on did not succeed.
 * The last five are over.
 */
export type RolloutState =
  'pending' | 'running' | 'waitingApproval' | 'stalled' | 'succeeded' | 'rolledBack' | 'aborted' | 'failed' | 'skipped';

export interface RolloutRow {
  /** `<deploymentId>:<target>` */
  id: string;
  deploymentId: string;
  target: string;
  account: string;
  namespace: string;
  state: RolloutState;
  /** The part of the run it is in; the run's own words. */
  phase: string;
  /** How many of `steps` are behind it. */
  step: number;
  steps: number;
  /** Percent of traffic at the canary. */
  weight: number;
  canaryHash: string | null;
  stableHash: string | null;
  /** Canary pods. */
  ready: number;
  wanted: number;
  reason: string | null;
  verdicts: unknown[];
  /** The seq of the event that it shows; -1 before the first. */
  updatedSeq: number;
  updatedAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
}

export interface NewRollout {
  target: string;
  account: string;
  namespace: string;
  /** How many steps its strategy has. */
  steps: number;
}

/** What an event may change of its rollout. What is not named stays. `startedAt` and `endedAt` follow from the state. */
export type RolloutPatch = Pick<
  RolloutRow,
  | 'state'
  | 'phase'
  | 'step'
  | 'steps'
  | 'weight'
  | 'canaryHash'
  | 'stableHash'
  | 'ready'
  | 'wanted'
  | 'reason'
  | 'verdicts'
>;

export const ROLLOUT_COLUMNS = `rollout.id, rollout.deployment_id as "deploymentId", target, account, namespace, state, phase, step, steps, weight::float8 as weight,
  canary_hash as "canaryHash", stable_hash as "stableHash", ready, wanted, reason, verdicts, updated_seq as "updatedSeq",
  updated_at as "updatedAt", started_at as "startedAt", ended_at as "endedAt"`;

/** Column and cast of each field a patch may name. */
const PATCHABLE: Record<keyof RolloutPatch, [column: string, cast: string]> = {
  state: ['state', ''],
  phase: ['phase', ''],
  step: ['step', '::integer'],
  steps: ['steps', '::integer'],
  weight: ['weight', '::numeric'],
  canaryHash: ['canary_hash', ''],
  stableHash: ['stable_hash', ''],
  ready: ['ready', '::integer'],
  wanted: ['wanted', '::integer'],
  reason: ['reason', ''],
  verdicts: ['verdicts', '::jsonb'],
};

const OVER = `('succeeded', 'rolledBack', 'aborted', 'failed', 'skipped')`;

/** The id of a target's rollout. */
export function rolloutId(deploymentId: string, target: string): string {
  return `${deploymentId}:${target}`;
}

/** SET list for `p.patch`, a JSON object: what it does not name stays; null is a value. */
export const ROLLOUT_ASSIGNMENTS = [
  ...Object.entries(PATCHABLE).map(
    ([field, [column, cast]]) =>
      `${column} = case when p.patch ? '${field}' then (p.patch->>'${field}')${cast} else rollout.${column} end`,
  ),
  `started_at = case when p.patch->>'state' not in ('pending', 'skipped') then coalesce(started_at, now()) else started_at end`,
  `ended_at = case when p.patch ? 'state' then case when p.patch->>'state' in ${OVER} then now() end else ended_at end`,
].join(', ');

export async function readRollout(store: Store, id: string): Promise<RolloutRow | undefined> {
  const { rows } = await store.pool.query<RolloutRow>(`select ${ROLLOUT_COLUMNS} from sluice.rollout where id = $1`, [
    id,
  ]);
  return rows[0];
}

/** A deployment's rollouts, by id. */
export async function listRollouts(store: Store, deploymentId: string): Promise<RolloutRow[]> {
  const { rows } = await store.pool.query<RolloutRow>(
    `select ${ROLLOUT_COLUMNS} from sluice.rollout where deployment_id = $1 order by id`,
    [deploymentId],
  );
  return rows;
}

/** Rollouts that do not go on without a person, of all deployments. */
export async function rolloutsThatWait(
  store: Store,
): Promise<(Pick<RolloutRow, 'deploymentId'> & { state: 'waitingApproval' | 'stalled' })[]> {
  const { rows } = await store.pool.query<{ deploymentId: string; state: 'waitingApproval' | 'stalled' }>(
    `select deployment_id as "deploymentId", state from sluice.rollout where state in ('waitingApproval', 'stalled')`,
  );
  return rows;
}
