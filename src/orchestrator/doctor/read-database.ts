/** Reads from a PostgreSQL what the doctor judges; changes nothing, takes no lock. */

import { Client } from 'pg';
import type { DatabaseFacts } from './judge-database.ts';

const LIMIT_MS = 5_000;
const ASKS = 5;

const FACTS = `
select current_setting('server_version') as version,
  current_setting('server_version_num')::int / 10000 as major,
  pg_is_in_recovery() as "isReadOnly",
  has_database_privilege(current_database(), 'CREATE') as "mayCreate",
  to_regclass('sluice.migration') is not null as "hasSchema",
  current_setting('max_connections')::int as "maxConnections",
  current_setting('superuser_reserved_connections')::int as "reservedConnections",
  (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as connections,
  (select count(*)::int from pg_stat_activity
    where usename = current_user and datname = current_database() and pid <> pg_backend_pid()) as "ownConnections"`;

type Row = Omit<DatabaseFacts, 'address' | 'migrations' | 'roundTripMs' | 'aheadMs'> & { hasSchema: boolean };

/** @param now milliseconds since the epoch. @throws what the connection ends with. */
export async function readDatabase(url: string, now: () => number): Promise<DatabaseFacts> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: LIMIT_MS,
    query_timeout: LIMIT_MS,
    application_name: 'sluice doctor',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<Row>(FACTS);
    const [row] = rows as [Row];
    const { hasSchema, ...facts } = row;
    const migrations = hasSchema ? await migrationNumbers(client) : undefined;
    return { ...facts, address: showDatabase(url), migrations, ...(await timings(client, now)) };
  } finally {
    await client.end().catch(() => {});
  }
}

async function migrationNumbers(client: Client): Promise<number[]> {
  const { rows } = await client.query<{ number: number }>('select number from sluice.migration');
  return rows.map(({ number }) => number);
}

/** The fastest answer tells the clock best, the middle one the speed. */
async function timings(client: Client, now: () => number): Promise<{ roundTripMs: number; aheadMs: number }> {
  const samples: { tookMs: number; aheadMs: number }[] = [];
  for (let n = 0; n < ASKS; n++) {
    const [sentMs, started] = [now(), performance.now()];
    const { rows } = await client.query<{ at: Date }>('select clock_timestamp() as at');
    const tookMs = performance.now() - started;
    samples.push({ tookMs, aheadMs: (rows[0]?.at.getTime() ?? sentMs) - (sentMs + tookMs / 2) });
  }
  const byTime = samples.toSorted((one, other) => one.tookMs - other.tookMs);
  return {
    roundTripMs: byTime[Math.floor(ASKS / 2)]?.tookMs ?? 0,
    aheadMs: byTime[0]?.aheadMs ?? 0,
  };
}

/** `db.example:5432/sluice`: never the user's password. */
export function showDatabase(url: string): string {
  const { host, pathname } = URL.parse(url) ?? { host: '', pathname: '' };
  return `${host}${pathname}`;
}
