/** The database as checks: version, rights, schema, connections, speed, clock. Pure. */

import { fail, ok, warn } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';
import { judgeClock } from '../../shared/judge-clock.ts';

export interface DatabaseFacts {
  /** Without the password. */
  address: string;
  /** `18.4` */
  version: string;
  major: number;
  /** A standby: nothing can be written. */
  isReadOnly: boolean;
  /** Schemas may be made in it; at the first start Sluice and its engine make theirs. */
  mayCreate: boolean;
  /** Numbers of the migrations that were run; undefined: there is no schema yet. */
  migrations: readonly number[] | undefined;
  maxConnections: number;
  /** Kept back for its own administrators. */
  reservedConnections: number;
  /** In use now, by whomever. */
  connections: number;
  /** Of these, an orchestrator's. */
  ownConnections: number;
  /** The middle one of several `select 1`. */
  roundTripMs: number;
  /** How far its clock is ahead of ours. */
  aheadMs: number;
}

export interface DatabaseNeeds {
  oldestMajor: number;
  /** Of the newest migration that this release knows. */
  newest: number;
  /** Connections that one orchestrator may come to hold. */
  connections: number;
  /** It is the embedded one: nobody has to give rights or connections. */
  embedded: boolean;
}

const SLOW_MS = 20;

export function judgeDatabase(facts: DatabaseFacts, needs: DatabaseNeeds): Check[] {
  const { address, version, major, isReadOnly, roundTripMs, aheadMs } = facts;
  const id = 'database';
  if (major < needs.oldestMajor) {
    const hint = `Upgrade it to ${needs.oldestMajor} or later, or leave DATABASE_URL unset to use the embedded one.`;
    return [fail(id, id, `${address} is PostgreSQL ${version}`, hint)];
  }
  if (isReadOnly) {
    const hint = 'Point DATABASE_URL at the primary: a standby takes no writes.';
    return [fail(id, id, `${address} is a standby`, hint)];
  }
  const kind = needs.embedded ? 'the embedded one' : address;
  return [
    ok(id, id, `${kind} answers, PostgreSQL ${version}`),
    schemaCheck(facts, needs),
    connectionsCheck(facts, needs),
    latencyCheck(roundTripMs),
    { ...judgeClock(aheadMs, "the database's"), id: 'database-clock', title: 'database clock' },
  ];
}

function schemaCheck({ migrations, mayCreate }: DatabaseFacts, { newest }: DatabaseNeeds): Check {
  const id = 'schema';
  const grant =
    'GRANT CREATE ON DATABASE ... TO the user in DATABASE_URL, or make that user the owner of the database.';
  if (migrations === undefined) {
    if (!mayCreate) return fail(id, id, 'there is none yet, and the user may not make one', grant);
    return ok(id, id, 'none yet: the first start makes it');
  }
  const found = Math.max(0, ...migrations);
  if (found > newest) {
    const hint = 'Run that later release, or restore a backup from before the upgrade.';
    return fail(id, id, `${found}, made by a later release; this one knows up to ${newest}`, hint);
  }
  if (found < newest) return ok(id, id, `${found}; the next start brings it to ${newest}`);
  return ok(id, id, `${found}, as this release wants it`);
}

function connectionsCheck(facts: DatabaseFacts, { connections: needed, embedded }: DatabaseNeeds): Check {
  const { maxConnections, reservedConnections, connections, ownConnections } = facts;
  const id = 'connections';
  const free = maxConnections - reservedConnections - (connections - ownConnections);
  const detail = `${connections} of ${maxConnections} in use, ${ownConnections} of them an orchestrator's`;
  if (embedded || free >= needed) return ok(id, id, detail);
  const hint = `Raise max_connections, or lower what others take: one orchestrator may come to hold ${needed}.`;
  return warn(id, id, `${detail}; ${Math.max(0, free)} are left for it`, hint);
}

function latencyCheck(roundTripMs: number): Check {
  const id = 'latency';
  const detail = `${roundTripMs.toFixed(1)} ms for a statement`;
  if (roundTripMs <= SLOW_MS) return ok(id, id, detail);
  return warn(id, id, detail, 'Each step of a run waits for some statements: put the database near the orchestrator.');
}
