/** The embedded PostgreSQL: started as a child, found again when its parent was killed, stopped at a clean exit. */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { messageOf } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import { findBinaries, serverUser } from './binaries.ts';
import type { Cluster } from './cluster.ts';
import { DATABASE } from './cluster.ts';
import { PASSWORD_FILE, ensureCluster } from './initialise.ts';
import { isAlive, readPostmasterFile, whenPostmaster } from './postmaster-file.ts';
import type { PostmasterFile } from './postmaster-file.ts';
import { spawnServer, stopServer, unavailable } from './server-process.ts';

export interface EmbeddedServer {
  /** postgresql:// URL with the password. */
  url: string;
  port: number;
  pid: number;
  /** It was running already: a killed orchestrator had left it. */
  adopted: boolean;
  /** Ends the server's sessions and the server. */
  stop(): Promise<void>;
}

const ADOPT_TIMEOUT_MS = 10_000;
const LINGER_TIMEOUT_MS = 30_000;
/** How PostgreSQL says that processes of an earlier server on the folder still run. */
const STILL_HELD = 'pre-existing shared memory block';

/**
 * Has a server running on the data folder. The caller holds the folder's lock, so a server found here has no living parent.
 * @param dataFolder absolute; made if it is missing.
 * @throws SluiceError DATABASE_UNAVAILABLE.
 */
export async function startEmbeddedServer(dataFolder: string, log: Log): Promise<EmbeddedServer> {
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const [binaries, user] = await Promise.all([findBinaries(), serverUser()]);
  const cluster = { folder: join(dataFolder, 'postgres'), binaries, user };
  const password = await ensureCluster(dataFolder, cluster);
  const found = await adopt(cluster, password);
  const { pid, port } = found ?? (await launch(dataFolder, cluster, password));
  log.info({ pid, port, adopted: found !== undefined }, 'database is running');
  const url = urlOf(port, password);
  return { url, port, pid, adopted: found !== undefined, stop: () => stopServer(pid) };
}

/**
 * Stops the server on a data folder, if one runs: for whoever cleans up after a killed orchestrator.
 */
export async function stopEmbeddedServer(dataFolder: string): Promise<void> {
  const folder = join(dataFolder, 'postgres');
  const file = await readPostmasterFile(folder);
  if (file && isAlive(file.pid)) await stopServer(file.pid);
}

/** Where the server of a data folder is reached; undefined: none runs, or none that is ready. Starts nothing, takes nothing over. */
export async function findEmbeddedServer(dataFolder: string): Promise<{ url: string; pid: number } | undefined> {
  const file = await readPostmasterFile(join(dataFolder, 'postgres'));
  if (file?.status !== 'ready' || !isAlive(file.pid)) return undefined;
  const password = await readFile(join(dataFolder, PASSWORD_FILE), 'utf8');
  return { url: urlOf(file.port, password.trim()), pid: file.pid };
}

interface Running {
  pid: number;
  port: number;
}

/** A server that answers with our password and holds our folder is ours. One that does not answer is ended; a file of a dead one is removed. */
async function adopt(cluster: Cluster, password: string): Promise<Running | undefined> {
  const file = await readPostmasterFile(cluster.folder);
  if (!file) return undefined;
  if (isAlive(file.pid) && (await isPostgres(file.pid))) {
    const signal = AbortSignal.timeout(ADOPT_TIMEOUT_MS);
    const decide = (now: PostmasterFile | undefined) => (!now || now.status === 'ready' ? { file: now } : undefined);
    const settled = await whenPostmaster(cluster.folder, decide, signal);
    if (settled && !settled.file) return undefined; // it was on its way out and is gone
    if (settled && (await answers(file.port, password, file.pid))) return { pid: file.pid, port: file.port };
    await stopServer(file.pid);
  }
  await rm(join(cluster.folder, 'postmaster.pid'), { force: true });
  return undefined;
}

/** The number of a dead server may have gone to any other process; only Linux tells cheaply. */
async function isPostgres(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return name.trim() === 'postgres';
}

async function answers(port: number, password: string, pid: number): Promise<boolean> {
  const client = new Client({ connectionString: urlOf(port, password), connectionTimeoutMillis: 3_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ pid: string }>(
      `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`,
    );
    return rows[0]?.pid === String(pid);
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

async function launch(dataFolder: string, cluster: Cluster, password: string): Promise<Running> {
  const portFile = join(dataFolder, 'postgres.port');
  const kept = Number(await readFile(portFile, 'utf8').catch(() => '0'));
  const port = await freePort(kept);
  if (port !== kept) await writeFile(portFile, `${port}\n`);
  const logPath = join(dataFolder, 'postgres.log');
  const pid = await spawnWhenFree(cluster, port, logPath);
  if (!(await answers(port, password, pid))) {
    await stopServer(pid);
    throw unavailable(`it started but does not accept its password (${join(dataFolder, 'postgres.password')})`);
  }
  return { pid, port };
}

/**
 * The helper processes of a killed server end a moment after it, on a busy machine seconds; PostgreSQL refuses to start until they have.
 * @throws what {@link spawnServer} throws for any other reason, or when they do not end.
 */
async function spawnWhenFree(cluster: Cluster, port: number, logPath: string): Promise<number> {
  const deadlineMs = performance.now() + LINGER_TIMEOUT_MS;
  for (;;) {
    try {
      return await spawnServer(cluster, port, logPath, { listen_addresses: '127.0.0.1', unix_socket_directories: '' });
    } catch (error) {
      if (!messageOf(error).includes(STILL_HELD) || performance.now() > deadlineMs) throw error;
      await delay(100);
    }
  }
}

/** The port of last time if it is free, else any. */
async function freePort(wanted: number): Promise<number> {
  const server = createServer();
  try {
    server.listen(wanted, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return freePort(0);
  } finally {
    server.close();
  }
}

function urlOf(port: number, password: string): string {
  return `postgresql://${DATABASE}:${encodeURIComponent(password)}@127.0.0.1:${port}/${DATABASE}`;
}
