/** The embedded PostgreSQL: started as a child, found again when its parent was killed, stopped at a clean exit. */

import { spawn } from 'node:child_process';
import { chmod, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { Client } from 'pg';
import { SluiceError, messageOf } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import { findBinaries, serverUser } from './binaries.ts';
import { DATABASE, childOptions, ensureCluster, folderArgument } from './initialise.ts';
import type { Cluster } from './initialise.ts';
import { isAlive, readPostmasterFile, whenPostmaster } from './postmaster-file.ts';
import type { PostmasterFile } from './postmaster-file.ts';

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

const START_TIMEOUT_MS = 60_000; // crash recovery of a large log comes before the first connection
const ADOPT_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 4_000;

/** Small, since it shares the machine; what a canary must not lose is on disk when a statement returns (fsync stays on). */
const SETTINGS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '60',
  shared_buffers: '32MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  log_min_messages: 'fatal',
  log_checkpoints: 'off',
  jit: 'off',
};

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
  const pid = await spawnServer(cluster, port, logPath);
  if (!(await answers(port, password, pid))) {
    await stopServer(pid);
    throw unavailable(`it started but does not accept its password (${join(dataFolder, 'postgres.password')})`);
  }
  return { pid, port };
}

/** Its log goes to a file, not to a pipe of ours: it outlives us when we are killed. A group of its own: Ctrl-C is for us to handle. */
async function spawnServer(cluster: Cluster, port: number, logPath: string): Promise<number> {
  const output = await open(logPath, 'a', 0o600);
  await chmod(logPath, 0o600);
  const settings = Object.entries(SETTINGS).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const args = ['-D', folderArgument(cluster), '-p', String(port), ...settings];
  const stdio = ['ignore', output.fd, output.fd] as const;
  const child = spawn(cluster.binaries.postgres, args, { ...childOptions(cluster), stdio: [...stdio], detached: true });
  child.unref();
  await output.close();
  const gone = new AbortController();
  child.once('error', () => gone.abort());
  child.once('exit', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  const isReady = (file: PostmasterFile | undefined): true | undefined =>
    file?.status === 'ready' && file.pid === child.pid ? true : undefined;
  const ready = await whenPostmaster(cluster.folder, isReady, signal);
  if (!ready || child.pid === undefined) {
    child.kill('SIGKILL');
    throw unavailable(`it did not start: ${await lastLines(logPath)}`);
  }
  return child.pid;
}

/** SIGINT is PostgreSQL's fast stop: sessions end, everything is on disk. SIGQUIT, if that takes too long, leaves the rest to recovery. */
async function stopServer(pid: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    if (!isAlive(pid)) return;
    process.kill(pid, signal);
    if (await whenGone(pid, STOP_TIMEOUT_MS)) return;
  }
  throw unavailable(`its process ${pid} does not stop; end it by hand`);
}

/** Of an adopted server there is no exit event, so its process is looked at every 10 ms, for as long as a stop takes. */
async function whenGone(pid: number, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const tick = setInterval(() => isAlive(pid) || resolve(true), 10);
  const limit = setTimeout(() => resolve(false), timeoutMs);
  try {
    return await promise;
  } finally {
    clearInterval(tick);
    clearTimeout(limit);
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

async function lastLines(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => messageOf(error));
  return text.trim().split('\n').slice(-3).join(' | ');
}

function unavailable(why: string): SluiceError {
  return new SluiceError(
    'DATABASE_UNAVAILABLE',
    `The embedded PostgreSQL: ${why}. Check the data folder, or set DATABASE_URL.`,
    {
      disposition: 'stalled',
    },
  );
}
