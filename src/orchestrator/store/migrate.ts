/** Brings a database to this release's schema, and refuses one of a later release. */

import type { Pool, PoolClient } from 'pg';
import { SluiceError } from '../../shared/errors.ts';
import { migrations } from './migrations.ts';
import type { Migration } from './migrations.ts';

/** `unique nulls not distinct` came with PostgreSQL 15. */
export const OLDEST_SERVER = 15;

/**
 * Runs what is missing. Safe when several processes do it at once: a migration's row is inserted first, and the second waits for the first's.
 * @throws SluiceError SCHEMA_NEWER, DATABASE_TOO_OLD (both stalled).
 */
export async function migrate(pool: Pool, known: readonly Migration[] = migrations): Promise<void> {
  const client = await pool.connect();
  try {
    await requireVersion(client);
    const applied = await appliedNumbers(client);
    const newest = Math.max(0, ...known.map((migration) => migration.number));
    const unknown = applied.find((number) => number > newest);
    if (unknown !== undefined) throw newer(unknown, newest);
    for (const migration of known) if (!applied.includes(migration.number)) await apply(client, migration);
  } finally {
    client.release();
  }
}

async function requireVersion(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int / 10000 as version`,
  );
  const version = rows[0]?.version ?? 0;
  if (version >= OLDEST_SERVER) return;
  throw new SluiceError(
    'DATABASE_TOO_OLD',
    `The PostgreSQL in DATABASE_URL is version ${version}; Sluice needs ${OLDEST_SERVER} or later. Upgrade it, or leave DATABASE_URL unset to use the embedded one.`,
    { disposition: 'stalled' },
  );
}

async function appliedNumbers(client: PoolClient): Promise<number[]> {
  const { rows: found } = await client.query<{ there: boolean }>(
    `select to_regclass('sluice.migration') is not null as there`,
  );
  if (!found[0]?.there) {
    // Two that start at once: "if not exists" can still collide on the catalogue, so the lock comes first.
    await client.query(`
      begin;
      select pg_advisory_xact_lock(hashtext('sluice.migration'));
      create schema if not exists sluice;
      create table if not exists sluice.migration (number integer primary key, name text not null, at timestamptz not null default now());
      commit`);
  }
  const { rows } = await client.query<{ number: number }>('select number from sluice.migration');
  return rows.map((row) => row.number);
}

async function apply(client: PoolClient, migration: Migration): Promise<void> {
  await client.query('begin');
  try {
    const inserted = await client.query(
      'insert into sluice.migration (number, name) values ($1, $2) on conflict do nothing returning number',
      [migration.number, migration.name],
    );
    if (inserted.rowCount === 1) await client.query(migration.sql);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

function newer(found: number, newest: number): SluiceError {
  return new SluiceError(
    'SCHEMA_NEWER',
    `The database has schema ${found}, made by a later Sluice; this one knows up to ${newest}. Run the later release, or restore a backup from before the upgrade.`,
    { disposition: 'stalled' },
  );
}
