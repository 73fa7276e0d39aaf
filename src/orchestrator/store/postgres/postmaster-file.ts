/** What a running PostgreSQL says of itself in its data folder (`postmaster.pid`), read and waited for. */

import { readFileSync, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface PostmasterFile {
  pid: number;
  port: number;
  /** `starting`, `ready`, `stopping`; empty while the file is being written. */
  status: string;
}

/** Undefined: there is no file, or none that a server wrote to its end yet. */
export async function readPostmasterFile(cluster: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  return parsePostmasterFile(text);
}

/** Lines: pid, data folder, start time, port, socket folder, listen address, shared memory key, status. */
export function parsePostmasterFile(text: string): PostmasterFile | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!Number.isInteger(pid) || pid <= 0 || !Number.isInteger(port) || port <= 0) return undefined;
  return { pid, port, status: lines[7] ?? '' };
}

/**
 * Resolves with the first answer of `decide` that is not undefined; asks at once and at each change in the folder.
 * @returns undefined when `signal` aborts first.
 */
export function whenPostmaster<T>(
  cluster: string,
  decide: (file: PostmasterFile | undefined) => T | undefined,
  signal: AbortSignal,
): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<T | undefined>();
  const watcher = watch(cluster, { persistent: true }, () => void ask());
  function settle(value: T | undefined): void {
    watcher.close();
    signal.removeEventListener('abort', giveUp);
    resolve(value);
  }
  function giveUp(): void {
    settle(undefined);
  }
  async function ask(): Promise<void> {
    const answer = decide(await readPostmasterFile(cluster));
    if (answer !== undefined) settle(answer);
  }
  watcher.on('error', giveUp);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  else void ask();
  return promise;
}

/** Is there a process of this id? One of another user counts; one that has ended and waits for its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !isZombie(pid);
}

/** A container's first process may never collect the server that a killed orchestrator left. */
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}
