/** Statements on `alert`: what a person should look at though no run depends on it. */

import type { Store } from './store.ts';

/**
 * `alternatingAgents`: two processes with one credential take the account from each other. `refusedAgent`: a credential that
 * does not count is presented again and again. `sessionFlood`: one credential begins sessions faster than it may. `joinTokenReused`:
 * a second agent comes with a join token.
 */
type AlertKind = 'alternatingAgents' | 'refusedAgent' | 'sessionFlood' | 'joinTokenReused';

export interface NewAlert {
  /** Null: of nobody who is known. */
  account: string | null;
  kind: AlertKind;
  message: string;
  detail: Record<string, unknown>;
  /** How often it was seen since it was last written. */
  count: number;
}

export interface AlertRow extends NewAlert {
  id: number;
  /** When it was first seen. */
  at: Date;
  lastAt: Date;
}

const COLUMNS = `id::float8 as id, account, kind, message, detail, count, at, last_at as "lastAt"`;

/** An alert that was not seen for so long is over; seen again, it is a new one. */
const OPEN = `closed_at is null and last_at > now() - interval '24 hours'`;

/** Writes an alert, or that an open one of its kind was seen again. */
export async function raiseAlert(store: Store, { account, kind, message, detail, count }: NewAlert): Promise<AlertRow> {
  const { rows } = await store.pool.query<AlertRow>(
    `insert into sluice.alert (account, kind, message, detail, count) values ($1, $2, $3, $4, $5)
     on conflict (account, kind) where closed_at is null do update set message = $3, detail = $4, last_at = now(),
       at = case when alert.last_at > now() - interval '24 hours' then alert.at else now() end,
       count = case when alert.last_at > now() - interval '24 hours' then alert.count else 0 end + $5
     returning ${COLUMNS}`,
    [account, kind, message, JSON.stringify(detail), count],
  );
  const [row] = rows;
  if (!row) throw new Error('an upsert returned no row');
  return row;
}

/** Newest first. An account's alerts are over when it gets a new credential, or loses the one it has. */
export async function openAlerts(store: Store): Promise<AlertRow[]> {
  const { rows } = await store.pool.query<AlertRow>(
    `select ${COLUMNS} from sluice.alert where ${OPEN} order by last_at desc, id desc`,
  );
  return rows;
}

/** What was seen of a credential is over with it. */
export async function closeAlerts(store: Store, account: string): Promise<void> {
  await store.pool.query(`update sluice.alert set closed_at = now() where account = $1 and closed_at is null`, [
    account,
  ]);
}
