/** Makes the embedded server's data folder: the cluster, its one user with a password of its own, its one database. */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../../shared/errors.ts';
import type { Cluster } from './cluster.ts';
import { DATABASE, childOptions, folderArgument } from './cluster.ts';
import { setPassword } from './set-password.ts';
import { packCluster, unpackCluster } from './template.ts';

/** In the data folder; of the server's one user. */
export const PASSWORD_FILE = 'postgres.password';

const CREATE_DATABASE = `CREATE DATABASE ${DATABASE}`;

/**
 * Makes the cluster unless it is there. Made beside its place and renamed at the end: an interrupted start leaves nothing half-made.
 * @returns the role's password, kept in `postgres.password` (mode 0600).
 */
export async function ensureCluster(dataFolder: string, cluster: Cluster): Promise<string> {
  const passwordFile = join(dataFolder, PASSWORD_FILE);
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
  const { template } = draft.binaries;
  if (template === undefined) {
    await initdb(draft);
    await singleUser(draft, [CREATE_DATABASE, `ALTER ROLE ${DATABASE} PASSWORD '${password}'`]);
  } else {
    await unpackCluster(template, draft.folder, draft.user);
    await setPassword(draft, password);
  }
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
  await singleUser(cluster, [CREATE_DATABASE]);
  await packCluster(cluster.folder, file);
}

function initdb(cluster: Cluster): Promise<void> {
  const options = ['--auth=trust', `--username=${DATABASE}`, '--encoding=UTF8', '--locale=C', '--no-instructions'];
  // Else it takes the time zone of the machine, which an image's template would carry to all others.
  const zone = ['--set=timezone=UTC', '--set=log_timezone=UTC'];
  return runToEnd(cluster, cluster.binaries.initdb, ['-D', folderArgument(cluster), ...options, ...zone], '');
}

/** Before the server has ever listened: there is no moment at which it can be reached without the password. */
function singleUser(cluster: Cluster, statements: string[]): Promise<void> {
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
