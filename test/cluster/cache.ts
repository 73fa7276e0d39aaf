/** What is made once and kept outside the repository: whole or absent, however many processes make it at once. */
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';

/** The folder of everything built: `SLUICE_CACHE`, or `~/.cache/sluice`. */
export function cacheFolder(): string {
  return process.env['SLUICE_CACHE'] ?? join(homedir(), '.cache', 'sluice');
}

/**
 * Makes `target` (a file or a folder) unless it is there, and returns its path.
 * `make` writes to the path it is given, beside the target; only when it has succeeded is that renamed,
 * so an interrupted build leaves nothing that could be taken for a whole one.
 * A second process waits (`onWait` is called) and then finds it made.
 */
export async function madeOnce(
  target: string,
  make: (path: string) => Promise<void>,
  onWait: () => void = () => {},
): Promise<string> {
  if (await used(target)) return target;
  await mkdir(dirname(target), { recursive: true });
  await using _lock = await lock(`${target}.lock`, onWait);
  if (existsSync(target)) return target;
  await removeUnfinished(target);
  const unfinished = `${target}.unfinished-${randomUUID()}`;
  try {
    await make(unfinished);
    await rename(unfinished, target);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return target;
}

/** Notes that `target` is still of use, for {@link removeUnused}; false if it is not there. */
async function used(target: string): Promise<boolean> {
  const now = new Date();
  return utimes(target, now, now).then(
    () => true,
    () => false,
  );
}

/** Removes what {@link madeOnce} made in `folder` and nobody has asked for in these hours. */
export async function removeUnused(folder: string, hours: number): Promise<void> {
  const oldest = Date.now() - hours * 3_600_000;
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.endsWith('.lock')) continue; // Somebody may hold it.
    const path = join(folder, name);
    const status = await stat(path).catch(() => undefined);
    if (status !== undefined && status.mtimeMs < oldest) await rm(path, { recursive: true, force: true });
  }
}

/** Removes what a killed builder of the same target left; call it under the target's lock. */
async function removeUnfinished(target: string): Promise<void> {
  const prefix = `${basename(target)}.unfinished-`;
  for (const name of await readdir(dirname(target))) {
    if (name.startsWith(prefix)) await rm(join(dirname(target), name), { recursive: true, force: true });
  }
}

/**
 * Waits for the lock on `path` and holds it until disposed.
 * The kernel's lock of util-linux `flock`, so that it ends with its owner even under `kill -9`: its holder reads
 * our pipe to the end. Where `flock` is missing (macOS) two builders do the work twice, and the rename decides.
 */
export async function lock(path: string, onWait: () => void): Promise<AsyncDisposable> {
  const holder = spawn('flock', [path, 'sh', '-c', 'echo locked; cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => {
    holder.once('error', () => resolve());
    holder.once('exit', () => resolve());
  });
  const waiting = setTimeout(onWait, 300);
  await Promise.race([new Promise((resolve) => holder.stdout.once('data', resolve)), ended]);
  clearTimeout(waiting);
  return {
    async [Symbol.asyncDispose]() {
      holder.stdin.end();
      await ended;
    },
  };
}

/** A checksum over the names and contents of a folder's files that `keep` accepts, 16 hex digits. */
export async function folderChecksum(folder: string, keep: (path: string) => boolean): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  for (const path of paths.filter(keep).sort()) {
    const content = await readFile(join(folder, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}
