/** Gives a test run a temporary folder of its own, and fails the run if it leaves anything in it: a cluster, a process's folder, a file. */

import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A cluster takes a second or two to end after its worker has. */
const PATIENCE_MS = 30_000;

/** Vitest's global setup. @returns the end, which throws with the names of what was left. */
export async function setup(): Promise<() => Promise<void>> {
  const before = process.env['TMPDIR'];
  // Short: sockets lie in it, and their paths may have 107 characters.
  const folder = await mkdtemp(join(tmpdir(), 'sluice-t-'));
  // As /tmp is: some tests run programs as other users.
  await chmod(folder, 0o1777);
  process.env['TMPDIR'] = folder;
  return async () => {
    const left = await untilEmpty(folder);
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    if (left.length === 0) return rm(folder, { recursive: true, force: true });
    throw new Error(
      `The tests left ${left.join(', ')} in ${folder}. Find the test that does not remove what it makes.`,
    );
  };
}

async function untilEmpty(folder: string): Promise<string[]> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const names = await readdir(folder);
    if (names.length === 0 || performance.now() > deadline) return names;
    await delay(100);
  }
}
