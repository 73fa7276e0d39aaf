/** The store: one PostgreSQL, embedded or yours, and word of every change to whoever listens in this process. */

import { EventEmitter } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { Client, Pool } from 'pg';
import type { ClientBase } from 'pg';
import { SluiceError, codeOf, messageOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { AgentRow } from './agents.ts';
import type { ControlRow } from './controls.ts';
import type { DeploymentRow } from './deployments.ts';
import type { EventRow } from './events.ts';
import { databaseFault, databaseHost } from './database-fault.ts';
import { lockFolder } from './folder-lock.ts';
import { migrate } from './migrate.ts';
import { startEmbeddedServer } from './postgres/embedded-server.ts';
import type { RolloutRow } from './rollouts.ts';

/** What changed, told after it is committed. */
interface StoreChanges {
  deployment: [DeploymentRow];
  rollout: [RolloutRow];
  event: [EventRow];
  control: [ControlRow];
  agent: [AgentRow];
}

/** What the statements need; every one of them takes it first. */
export interface Store {
  readonly pool: Pool;
  /**
   * For writes that bear to be lost with the machine (not with this process): their commits do not wait for the disk. The log
   * is one, so the next commit that does wait puts them on disk before itself; what rests on them is never there without them.
   */
  readonly relaxed: Pool;
  readonly changes: EventEmitter<StoreChanges>;
}

export interface OpenStore extends Store {
  /** For the engine, which keeps a pool of its own. */
  readonly url: string;
  readonly embedded: boolean;
  /** A killed orchestrator's server was found and kept. */
  readonly adopted: boolean;
  /** Settles when the database is gone, or may have gone to another orchestrator: this one must stop at once. */
  readonly lost: Promise<SluiceError>;
  /** Ends connections; stops the embedded server; frees the claim. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Absolute. Used for the embedded server; always locked. */
  dataDir: string;
  /** Your own server. */
  databaseUrl?: string | undefined;
  log: Log;
}

/** Statements are short and the machine is small; DBOS has a pool of its own beside this one. */
const POOL_SIZE = 10;
/** Its statements are gathered: one of each kind at a time. */
const RELAXED_POOL_SIZE = 4;

/**
 * Opens the store and brings its schema up to date.
 * @throws SluiceError DATA_FOLDER_IN_USE, DATABASE_IN_USE, DATABASE_UNAVAILABLE, DATABASE_TOO_OLD, SCHEMA_NEWER.
 */
export async function openStore(options: StoreOptions): Promise<OpenStore> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const lock = lockFolder(options.dataDir);
  const server =
    options.databaseUrl === undefined
      ? await startEmbeddedServer(options.dataDir, options.log).catch(freeing(lock))
      : undefined;
  const url = server?.url ?? options.databaseUrl ?? '';
  const onError = connectionLog(options);
  const pool = makePool(url, onError, POOL_SIZE);
  const relaxed = makePool(url, onError, RELAXED_POOL_SIZE, 'set synchronous_commit = off');
  let claim: Claim | undefined;
  const close = async (): Promise<void> => {
    await claim?.release();
    await Promise.all([pool.end(), relaxed.end()]);
    await server?.stop();
    lock.release();
  };
  try {
    claim = await claimDatabase(url, options.databaseUrl);
    await migrate(pool);
    if (options.databaseUrl !== undefined)
      options.log.info({ host: databaseHost(options.databaseUrl) }, 'database is connected');
  } catch (error) {
    await close();
    throw unavailable(error, options.databaseUrl);
  }
  const changes = new EventEmitter<StoreChanges>({ captureRejections: false });
  changes.setMaxListeners(0); // one per open page and waiting run
  return {
    pool,
    relaxed,
    changes,
    url,
    embedded: server !== undefined,
    adopted: server?.adopted ?? false,
    lost: claim.lost,
    close,
  };
}

function freeing(lock: { release(): void }): (error: unknown) => never {
  return (error) => {
    lock.release();
    throw error;
  };
}

/** @param first said on each new connection, before it is used. */
function makePool(url: string, onError: (error: unknown) => void, max: number, first?: string): Pool {
  const pool = new Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 10_000,
    application_name: 'sluice',
    keepAlive: true,
    // Waited for, whatever its type says.
    ...(first !== undefined && { onConnect: ((client) => client.query(first)) as (client: ClientBase) => void }),
  });
  pool.on('error', onError);
  return pool;
}

/** A server that goes takes all connections with it: that is one line, not one for each. */
const TELL_EVERY_MS = 60_000;

function connectionLog({ databaseUrl, log }: StoreOptions): (error: unknown) => void {
  let toldMs = -Infinity;
  return (err) => {
    const { host, cause, hint } = databaseFault(err, databaseUrl);
    const fields = { host, cause, hint, err };
    const isTold = performance.now() - toldMs < TELL_EVERY_MS;
    if (isTold) {
      log.debug(fields, 'database connection lost');
      return;
    }
    toldMs = performance.now();
    log.warn(fields, 'database connection lost');
  };
}

interface Claim {
  lost: Promise<SluiceError>;
  release(): Promise<void>;
}

/** The lock of a process that was just killed is freed in a moment. */
const CLAIM_TIMEOUT_MS = 2_000;

/**
 * Holds a connection for as long as we live: when it ends, the server is gone or takes us for gone, and we must not go on.
 * @param sharedUrl of a server that others could use too. One orchestrator per database: there it takes a session lock, freed by
 * the server when the connection ends, however it ends.
 */
async function claimDatabase(url: string, sharedUrl: string | undefined): Promise<Claim> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'sluice claim',
    keepAlive: true,
  });
  const { promise: lost, resolve } = Promise.withResolvers<SluiceError>();
  let isReleased = false;
  client.on('error', () => {});
  client.on('end', () => {
    if (!isReleased) resolve(lostClaim(sharedUrl));
  });
  const release = (): Promise<void> => {
    isReleased = true;
    return client.end();
  };
  await client.connect();
  if (sharedUrl !== undefined && !(await lock(client))) {
    await release();
    throw new SluiceError(
      'DATABASE_IN_USE',
      'Another orchestrator uses the database in DATABASE_URL. Stop it, or give this one a database of its own.',
      { disposition: 'stalled' },
    );
  }
  return { lost, release };
}

async function lock(client: Client): Promise<boolean> {
  await client.query(`set lock_timeout = ${CLAIM_TIMEOUT_MS}`);
  try {
    await client.query(`select pg_advisory_lock(hashtext('sluice.orchestrator'))`);
    return true;
  } catch (error) {
    if (codeOf(error) === '55P03') return false; // lock_not_available
    throw error;
  }
}

function lostClaim(url: string | undefined): SluiceError {
  return new SluiceError(
    'DATABASE_UNAVAILABLE',
    `The connection to ${databaseHost(url)} that shows that this orchestrator lives has ended: the database stopped, or another orchestrator may take over. Start again; runs go on where they were.`,
    { disposition: 'retry' },
  );
}

function unavailable(error: unknown, url: string | undefined): SluiceError {
  if (error instanceof SluiceError) return error;
  const { host, hint } = databaseFault(error, url);
  return new SluiceError(
    'DATABASE_UNAVAILABLE',
    `The database does not serve (${host}): ${messageOf(error)}. ${hint}`,
    {
      disposition: 'retry',
      cause: error,
    },
  );
}
