/** Statements on `audit`: every change that was asked for through the API. */

import type { Store } from './store.ts';

export interface AuditEntry {
  /** A token's name, or `local`. */
  who: string;
  role: string;
  /** What the caller calls itself; not proven. */
  by: string | null;
  /** The operation's name in /openapi.json. */
  action: string;
  /** What it was done to: a deployment's id, an agent's or a token's name. */
  object: string | null;
  application: string | null;
  /** From where. */
  address: string;
  userAgent: string | null;
}

/** `done`, `refused` (nothing was changed), `failed` (what was done is not known). */
export type AuditOutcome = 'done' | 'refused' | 'failed';

export interface AuditEnd extends Pick<AuditEntry, 'object' | 'application'> {
  outcome: AuditOutcome;
  /** Why it was refused. */
  reason: string | null;
}

export interface AuditRow extends AuditEntry, Omit<AuditEnd, 'outcome'> {
  id: number;
  at: Date;
  /** Null: under way, or the orchestrator ended in the middle of it. */
  outcome: AuditOutcome | null;
}

const COLUMNS = `id::float8 as id, at, who, role, by, action, object, application, outcome, reason, address, user_agent as "userAgent"`;

/** Written before the change: there is none without its row. @returns its id. */
export async function beginAudit(store: Store, entry: AuditEntry): Promise<number> {
  const { who, role, by, action, object, application, address, userAgent } = entry;
  const { rows } = await store.pool.query<{ id: number }>(
    `insert into sluice.audit (who, role, by, action, object, application, address, user_agent)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning id::float8 as id`,
    [who, role, by, action, object, application, address, userAgent],
  );
  const [row] = rows;
  if (!row) throw new Error('an insert returned no row');
  return row.id;
}

export async function endAudit(store: Store, id: number, end: AuditEnd): Promise<void> {
  await store.pool.query(
    `update sluice.audit set outcome = $2, reason = $3, object = coalesce($4, object), application = coalesce($5, application) where id = $1`,
    [id, end.outcome, end.reason, end.object, end.application],
  );
}

/** Newest first. */
export async function listAudit(
  store: Store,
  { since, before, limit }: { since: Date | null; before: number | null; limit: number },
): Promise<AuditRow[]> {
  const { rows } = await store.pool.query<AuditRow>(
    `select ${COLUMNS} from sluice.audit
     where ($1::timestamptz is null or at >= $1) and ($2::bigint is null or id < $2) order by id desc limit $3`,
    [since, before, limit],
  );
  return rows;
}

export async function deleteOldAudit(store: Store, before: Date): Promise<void> {
  await store.pool.query(`delete from sluice.audit where at < $1`, [before]);
}
