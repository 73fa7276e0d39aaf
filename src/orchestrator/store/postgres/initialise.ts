/** Makes the embedded server's data folder: the cluster, its one user with a password of its own, its one database. */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../../shared/errors.ts';
import type { Binaries, ServerUser } from './binaries.ts';
import { packCluster, unpackCluster } from './template.ts';

/** Name of the role and of the database. */
export const DATABASE = 'sluice';

/** Where the cluster lies and how its programs are started. */
export interface Cluster {
  folder: string;
  binaries: Binaries;
  user: ServerUser | undefined;
}

/** Options for a child that works on the cluster: its working folder is the cluster, whoever it runs as. */
export function childOptions(cluster: Cluster): { cwd: string; uid?: number; gid?: number } {
  return { cwd: cluster.folder, ...cluster.user };
}

/**
 * The folder as the child names it. As another user it could not walk a path through our private folders;
 * its working folder is entered before the user is changed, so that name always works (tried on Linux, where root is the case that matters).
 */
export function folderArgument(cluster: Cluster): string {
  return cluster.user && process.platform === 'linux' ? '/proc/self/cwd' : cluster.folder;
}

/**
 * Makes the cluster unless it is there. Made beside its place and renamed at the end: an interrupted start leaves nothing half-made.
 * @returns the role's password, kept in `postgres.password` (mode 0600).
 */
export async function ensureCluster(dataFolder: string, cluster: Cluster): Promise<string> {
  const passwordFile = join(dataFolder, 'postgres.password');
  if (await exists(join(cluster.folder, 'PG_VERSION'))) {
    // A volume with an fsGroup comes back open to the group, and the server refuses that. Where it is not ours to change, the server says so.
    await chmod(cluster.folder, 0o700).catch(() => {});
    return (await readFile(passwordFile, 'utf8')).trim();
  }
  const password = randomBytes(24).toString('base64url');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await chmod(passwordFile, 0o600);
  const draft = { ...cluster, folder: `${cluster.folder}.new` };
  await rm(draft.folder, { recursive: true, force: true });
  await mkdir(draft.folder, { recursive: true, mode: 0o700 });
  if (draft.user) await chown(draft.folder, draft.user.uid, draft.user.gid);
  await (draft.binaries.template === undefined
    ? initdb(draft)
    : unpackCluster(draft.binaries.template, draft.folder, draft.user));
  await setUp(draft, password);
  await writeFile(join(draft.folder, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n');
  await rename(draft.folder, cluster.folder);
  return password;
}

/**
 * Makes the file that an image has in place of initdb.
 * @param cluster its folder is empty and belongs to its user.
 */
export async function makeTemplate(cluster: Cluster, file: string): Promise<void> {
  await initdb(cluster);
  await packCluster(cluster.folder, file);
}

function initdb(cluster: Cluster): Promise<void> {
  const options = ['--auth=trust', `--username=${DATABASE}`, '--encoding=UTF8', '--locale=C', '--no-instructions'];
  // Else it takes the time zone of the machine, which an image's template would carry to all others.
  const zone = ['--set=timezone=UTC', '--set=log_timezone=UTC'];
  return runToEnd(cluster, cluster.binaries.initdb, ['-D', folderArgument(cluster), ...options, ...zone], '');
}

/** In single-user mode, before the server has ever listened: there is no moment at which it can be reached without the password. */
function setUp(cluster: Cluster, password: string): Promise<void> {
  const statements = [`ALTER ROLE ${DATABASE} PASSWORD '${password}'`, `CREATE DATABASE ${DATABASE}`];
  const args = ['--single', '-D', folderArgument(cluster), 'postgres'];
  return runToEnd(cluster, cluster.binaries.postgres, args, statements.join('\n') + '\n');
}

function runToEnd(cluster: Cluster, program: string, args: string[], input: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn(program, args, { ...childOptions(cluster), stdio: ['pipe', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2000)));
  child.on('error', (cause) => reject(failed(program, cause.message, cause)));
  child.on('close', (code) => (code === 0 ? resolve() : reject(failed(program, complaint.trim()))));
  child.stdin.on('error', () => {}).end(input);
  return promise;
}

function failed(program: string, why: string, cause?: unknown): SluiceError {
  return new SluiceError(
    'DATABASE_UNAVAILABLE',
    `The embedded PostgreSQL could not be set up (${program}): ${why}. Check the data folder's disk and rights, or set DATABASE_URL.`,
    { disposition: 'stalled', cause },
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
