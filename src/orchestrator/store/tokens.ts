/** Statements on `api_token`: who may use the API. Of a token's secret a hash alone is kept. */

import { codeOf } from '../../shared/errors.ts';
import type { Store } from './store.ts';

export interface TokenRow {
  id: number;
  name: string;
  role: 'viewer' | 'deployer' | 'approver' | 'admin';
  /** Null: all. */
  applications: string[] | null;
  /** Names it carries for `requiresRoles`. */
  asRoles: string[];
  createdAt: Date;
  createdBy: string;
  /** Null: never. */
  expiresAt: Date | null;
  /** To the minute. */
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

export type NewToken = Pick<TokenRow, 'name' | 'role' | 'applications' | 'asRoles' | 'createdBy' | 'expiresAt'>;

const COLUMNS = `id::float8 as id, name, role, applications, as_roles as "asRoles", created_at as "createdAt", created_by as "createdBy",
  expires_at as "expiresAt", last_used_at as "lastUsedAt", revoked_at as "revokedAt"`;

const UNIQUE_VIOLATION = '23505';

/** @returns undefined when a token of this name is not revoked yet. */
export async function insertToken(store: Store, hash: string, token: NewToken): Promise<TokenRow | undefined> {
  const { name, role, applications, asRoles, createdBy, expiresAt } = token;
  try {
    const { rows } = await store.pool.query<TokenRow>(
      `insert into sluice.api_token (hash, name, role, applications, as_roles, created_by, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7) returning ${COLUMNS}`,
      [hash, name, role, applications, asRoles, createdBy, expiresAt],
    );
    return rows[0];
  } catch (error) {
    if (codeOf(error) === UNIQUE_VIOLATION) return undefined;
    throw error;
  }
}

/** By name; the revoked too, newest first. */
export async function listTokens(store: Store): Promise<TokenRow[]> {
  const { rows } = await store.pool.query<TokenRow>(`select ${COLUMNS} from sluice.api_token order by name, id desc`);
  return rows;
}

/** With the hash that each is found by. */
export async function hashedTokens(store: Store): Promise<(TokenRow & { hash: string })[]> {
  const { rows } = await store.pool.query<TokenRow & { hash: string }>(`select ${COLUMNS}, hash from sluice.api_token`);
  return rows;
}

/** @returns the row as it is now; undefined if no token of this name counts. */
export async function revokeToken(store: Store, name: string): Promise<TokenRow | undefined> {
  const { rows } = await store.pool.query<TokenRow>(
    `update sluice.api_token set revoked_at = now() where name = $1 and revoked_at is null returning ${COLUMNS}`,
    [name],
  );
  return rows[0];
}

/** May be lost with the machine. */
export async function noteTokenUse(store: Store, id: number, at: Date): Promise<void> {
  await store.relaxed.query(`update sluice.api_token set last_used_at = greatest(last_used_at, $2) where id = $1`, [
    id,
    at,
  ]);
}

/** Removes those that were revoked, or ended, before a moment. */
export async function deleteOldTokens(store: Store, before: Date): Promise<void> {
  await store.pool.query(`delete from sluice.api_token where least(revoked_at, expires_at) < $1`, [before]);
}
