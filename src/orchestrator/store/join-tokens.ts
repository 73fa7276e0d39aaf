/** Statements on `join_token`: the right to become an account's agent, once. */

import { closeAlerts } from './alerts.ts';
import type { Store } from './store.ts';
import { inTransaction } from './transaction.ts';

export interface JoinTokenRow {
  account: string;
  expiresAt: Date;
  usedAt: Date | null;
  /** SHA-256 of the public key (SPKI, DER) that it was used with, hexadecimal. */
  usedKey: string | null;
  /** Which agent, for people: its instance and where it called from. */
  usedBy: string | null;
}

/** An account's new token; one that was not used ends. The account is listed from then on; what credential it has still counts. */
export async function saveJoinToken(store: Store, account: string, hash: string, expiresAt: Date): Promise<void> {
  await inTransaction(store.pool, async (client) => {
    await client.query('insert into sluice.agent (account) values ($1) on conflict (account) do nothing', [account]);
    await client.query('delete from sluice.join_token where account = $1 and used_at is null', [account]);
    await client.query('insert into sluice.join_token (hash, account, expires_at) values ($1, $2, $3)', [
      hash,
      account,
      expiresAt,
    ]);
  });
  await closeAlerts(store, account);
}

/**
 * Uses a token, if `judge` lets it be used as it is now. Of two agents that ask at the same time the second sees the first.
 * @param judge returns why not; undefined: it may be used.
 */
export async function useJoinToken<Refusal>(
  store: Store,
  hash: string,
  use: { key: string; by: string; at: Date },
  judge: (row: JoinTokenRow | undefined) => Refusal | undefined,
): Promise<{ account: string } | { refusal: Refusal; account: string | undefined }> {
  return inTransaction(store.pool, async (client) => {
    const { rows } = await client.query<JoinTokenRow>(
      `select account, expires_at as "expiresAt", used_at as "usedAt", used_key as "usedKey", used_by as "usedBy"
       from sluice.join_token where hash = $1 for update`,
      [hash],
    );
    const [row] = rows;
    const refusal = judge(row);
    if (refusal !== undefined || !row) return { refusal: refusal as Refusal, account: row?.account };
    if (row.usedAt === null) {
      await client.query('update sluice.join_token set used_at = $2, used_key = $3, used_by = $4 where hash = $1', [
        hash,
        use.at,
        use.key,
        use.by,
      ]);
    }
    return { account: row.account };
  });
}

/** None of the account's counts any more. */
export async function removeJoinTokens(store: Store, account: string): Promise<void> {
  await store.pool.query('delete from sluice.join_token where account = $1', [account]);
}
