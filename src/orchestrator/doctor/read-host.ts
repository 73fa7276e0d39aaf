/** Reads from this machine what the doctor judges: the data folder, its disk, its certificates, and who listens at a port. */

import { X509Certificate } from 'node:crypto';
import { access, constants, readFile, readdir, stat, statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { codeOf } from '../../shared/errors.ts';
import type { Validity } from '../../shared/judge-certificate.ts';
import { formatAddress } from '../config.ts';
import type { Address } from '../config.ts';
import type { DiskFacts, FolderFacts } from './judge-folder.ts';

/** A volume belongs to a group of its own (fsGroup). */
const OTHERS = 0o007;
const DIAL_MS = 3_000;

/** The folder, or the nearest above it that is there. */
async function existing(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere || dirname(path) === path ? path : existing(dirname(path));
}

export async function readFolder(path: string): Promise<FolderFacts> {
  const there = await existing(path);
  const isWritable = await access(there, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  const { mode, uid } = await stat(there);
  const exists = there === path;
  // A volume's own folder belongs to root: nobody here can close it, and what lies in it is closed by itself.
  const isOurs = uid === process.getuid?.();
  return { path, exists, isWritable, isOpen: exists && isOurs && (mode & OTHERS) !== 0 };
}

export async function readDisk(path: string): Promise<DiskFacts> {
  return statfs(await existing(path));
}

export interface StoredCertificate extends Validity {
  file: string;
  subject: string;
}

/** Every certificate in the folder of the authority that has its key beside it. @throws where one is no certificate. */
export async function readCertificates(dataDir: string): Promise<StoredCertificate[]> {
  const folder = join(dataDir, 'ca');
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const pairs = names.filter((name) => name.endsWith('.crt') && names.includes(name.replace(/crt$/, 'key')));
  return Promise.all(pairs.map((name) => readCertificate(join(folder, name))));
}

export async function readCertificate(file: string): Promise<StoredCertificate> {
  const certificate = new X509Certificate(await readFile(file));
  return {
    file,
    subject: certificate.subject.split('\n').join(', '),
    validFromMs: certificate.validFromDate.getTime(),
    validToMs: certificate.validToDate.getTime(),
  };
}

/** Whether anybody listens; says nothing to it. `unknown`: the address is none of this machine's. */
export async function dial({ host, port }: Address): Promise<'open' | 'free' | 'unknown'> {
  const socket = connect({ host: connectable(host), port, timeout: DIAL_MS });
  const { promise, resolve } = Promise.withResolvers<'open' | 'free' | 'unknown'>();
  socket.once('connect', () => resolve('open'));
  socket.once('timeout', () => resolve('unknown'));
  socket.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED' ? 'free' : 'unknown'));
  return promise.finally(() => socket.destroy());
}

/** `host:port` by which a program of this machine reaches what is served at an address. */
export function localAddress({ host, port }: Address): string {
  return formatAddress({ host: connectable(host), port });
}

function connectable(host: string): string {
  return { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
}
