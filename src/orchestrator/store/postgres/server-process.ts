/** The server as a process: started with our settings, waited for, ended. */

import { spawn } from 'node:child_process';
import { chmod, open, readFile } from 'node:fs/promises';
import { SluiceError, messageOf } from '../../../shared/errors.ts';
import type { Cluster } from './cluster.ts';
import { childOptions, folderArgument } from './cluster.ts';
import { isAlive, whenPostmaster } from './postmaster-file.ts';
import type { PostmasterFile } from './postmaster-file.ts';

/** Where it can be reached: an address, or sockets in a folder; the other is empty. */
interface ServerReach {
  listen_addresses: string;
  unix_socket_directories: string;
}

const START_TIMEOUT_MS = 60_000; // crash recovery of a large log comes before the first connection
const STOP_TIMEOUT_MS = 4_000;

/** Small, since it shares the machine; what a canary must not lose is on disk when a statement returns (fsync stays on). */
const SETTINGS: Record<string, string> = {
  max_connections: '60',
  shared_buffers: '32MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  log_min_messages: 'fatal',
  log_checkpoints: 'off',
  jit: 'off',
};

/**
 * Starts a server and waits until it is ready. Its log goes to a file, not to a pipe of ours: it outlives us when we are killed.
 * A group of its own: Ctrl-C is for us to handle.
 * @returns its process id.
 * @throws SluiceError DATABASE_UNAVAILABLE.
 */
export async function spawnServer(
  cluster: Cluster,
  port: number,
  logPath: string,
  reach: ServerReach,
): Promise<number> {
  const output = await open(logPath, 'a', 0o600);
  await chmod(logPath, 0o600);
  const settings = Object.entries({ ...SETTINGS, ...reach }).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
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
export async function stopServer(pid: number): Promise<void> {
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

async function lastLines(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => messageOf(error));
  return text.trim().split('\n').slice(-3).join(' | ');
}

export function unavailable(why: string): SluiceError {
  return new SluiceError(
    'DATABASE_UNAVAILABLE',
    `The embedded PostgreSQL: ${why}. Check the data folder, or set DATABASE_URL.`,
    {
      disposition: 'stalled',
    },
  );
}
