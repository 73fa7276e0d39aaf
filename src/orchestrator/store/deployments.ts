/** Statements on `deployment`: one run of one file. */

import type { ResolvedFile } from '../file/resolved.ts';
import type { Store } from './store.ts';
import type { NewRollout } from './rollouts.ts';

/** `stalled`: a person has to act; it is still active. The last three are over. */
export type DeploymentState = 'pending' | 'running' | 'stalled' | 'succeeded' | 'rolledBack' | 'aborted' | 'failed';

export interface DeploymentRow {
  id: string;
  application: string;
  state: DeploymentState;
  createdAt: Date;
  createdBy: string;
  startedAt: Date | null;
  endedAt: Date | null;
  reason: string | null;
}

/** With what was asked: large, so only where one is looked at. */
export interface FullDeploymentRow extends DeploymentRow {
  file: ResolvedFile;
  /** The YAML as it was sent. */
  source: string;
}

export interface NewDeployment {
  id: string;
  application: string;
  file: ResolvedFile;
  source: string;
  createdBy: string;
  /** One per target, in the file's order. */
  rollouts: NewRollout[];
}

export type InsertDeployment =
  { inserted: true; deployment: DeploymentRow } | { inserted: false; active: DeploymentRow };

const COLUMNS = `id, application, state, created_at as "createdAt", created_by as "createdBy", started_at as "startedAt", ended_at as "endedAt", reason`;

/** An id that sorts by its time: `dep_` + 9 characters of milliseconds + 4 of chance, in lower-case base 32. */
export function newDeploymentId(nowMs: number = Date.now(), random: () => number = Math.random): string {
  const time = base32(nowMs, 9);
  const chance = base32(Math.floor(random() * 32 ** 4), 4);
  return `dep_${time}${chance}`;
}

/** Crockford's digits: no letter that reads as another. */
function base32(value: number, length: number): string {
  const digits = '0123456789abcdefghjkmnpqrstvwxyz';
  let rest = value;
  let text = '';
  for (let place = 0; place < length; place++) {
    text = (digits[rest % 32] ?? '0') + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** Stores a deployment and its rollouts together, all `pending`; or says which one of the application is still active. */
export async function insertDeployment(store: Store, input: NewDeployment): Promise<InsertDeployment> {
  const sql = `
    with d as (
      insert into sluice.deployment (id, application, state, file, source, created_by)
      values ($1, $2, 'pending', $3, $4, $5)
      on conflict (application) where state not in ('succeeded', 'rolledBack', 'aborted', 'failed') do nothing
      returning *
    ), r as (
      insert into sluice.rollout (id, deployment_id, target, account, namespace, state, phase, step, steps, weight, ready, wanted, verdicts)
      select d.id || ':' || t.target, d.id, t.target, t.account, t.namespace, 'pending', 'pending', 0, t.steps, 0, 0, 0, '[]'
      from d, jsonb_to_recordset($6) as t(target text, account text, namespace text, steps integer)
    )
    select ${COLUMNS} from d`;
  const values = [
    input.id,
    input.application,
    JSON.stringify(input.file),
    input.source,
    input.createdBy,
    JSON.stringify(input.rollouts),
  ];
  // The other one may end between the refusal and the look at it: then there is room, and we ask again.
  for (;;) {
    const { rows } = await store.pool.query<DeploymentRow>(sql, values);
    if (rows[0]) {
      store.changes.emit('deployment', rows[0]);
      return { inserted: true, deployment: rows[0] };
    }
    const active = await activeDeployment(store, input.application);
    if (active) return { inserted: false, active };
  }
}

/** The application's deployment that is not over, if there is one. */
async function activeDeployment(store: Store, application: string): Promise<DeploymentRow | undefined> {
  const { rows } = await store.pool.query<DeploymentRow>(
    `select ${COLUMNS} from sluice.deployment where application = $1 and state not in ('succeeded', 'rolledBack', 'aborted', 'failed')`,
    [application],
  );
  return rows[0];
}

export async function readDeployment(store: Store, id: string): Promise<FullDeploymentRow | undefined> {
  const { rows } = await store.pool.query<FullDeploymentRow>(
    `select ${COLUMNS}, file, source from sluice.deployment where id = $1`,
    [id],
  );
  return rows[0];
}

/** Those whose run has not said that it begins, oldest first: it may never have been started. */
export async function pendingDeployments(store: Store): Promise<FullDeploymentRow[]> {
  const { rows } = await store.pool.query<FullDeploymentRow>(
    `select ${COLUMNS}, file, source from sluice.deployment
     where state = 'pending' and state not in ('succeeded', 'rolledBack', 'aborted', 'failed') order by created_at, id`,
  );
  return rows;
}

export interface DeploymentFilter {
  application?: string | undefined;
  /** Only of these; null: of all. */
  scope?: readonly string[] | null | undefined;
  /** Only those that are not over. */
  active?: boolean | undefined;
  /** Newest first; at most so many. */
  limit?: number | undefined;
}

/** Newest first. */
export async function listDeployments(store: Store, filter: DeploymentFilter = {}): Promise<DeploymentRow[]> {
  const { rows } = await store.pool.query<DeploymentRow>(
    `select ${COLUMNS} from sluice.deployment
     where ($1::text is null or application = $1)
       and (not $2::boolean or state not in ('succeeded', 'rolledBack', 'aborted', 'failed'))
       and ($4::text[] is null or application = any($4))
     order by created_at desc, id desc limit $3`,
    [filter.application ?? null, filter.active ?? false, filter.limit ?? 100, filter.scope ?? null],
  );
  return rows;
}

/**
 * Moves a deployment on: `started_at` is set by the first state past `pending`, `ended_at` by a last one. Over is over: it never moves again.
 * @returns the row as it is now; undefined if there is none, or it was over already.
 */
export async function setDeploymentState(
  store: Store,
  id: string,
  state: DeploymentState,
  reason: string | null = null,
): Promise<DeploymentRow | undefined> {
  const { rows } = await store.pool.query<DeploymentRow>(
    `update sluice.deployment set
       state = $2, reason = $3,
       started_at = case when $2 = 'pending' then started_at else coalesce(started_at, now()) end,
       ended_at = case when $2 in ('succeeded', 'rolledBack', 'aborted', 'failed') then now() end
     where id = $1 and ended_at is null
     returning ${COLUMNS}`,
    [id, state, reason],
  );
  if (rows[0]) store.changes.emit('deployment', rows[0]);
  return rows[0];
}
