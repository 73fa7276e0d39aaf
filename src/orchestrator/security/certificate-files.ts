/** A certificate and its key in two files of yours: read, held against the clock, and followed as they change. */

import { X509Certificate, createPrivateKey } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../shared/clock.ts';
import type { CertificateAndKey } from './issue.ts';

export interface CertificateFiles {
  certFile: string;
  keyFile: string;
  /** How often the files are looked at, in ms. */
  lookMs?: number | undefined;
}

/** A mounted Secret swaps a link that the files are behind, which a look at the files sees on every file system. */
const LOOK_MS = 5_000;

/** @throws Error when they cannot be read, are none, or do not belong together. */
export async function readCertificateFiles({ certFile, keyFile }: CertificateFiles): Promise<CertificateAndKey> {
  const [certificate, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) {
    throw new Error('certificate and key do not belong together');
  }
  return { certificate, key };
}

/** @throws Error for one that nobody would take now. */
export function requireTimely({ certificate }: CertificateAndKey, clock: Clock): void {
  const { validFromDate, validToDate, subject } = new X509Certificate(certificate);
  const nowMs = clock.now();
  if (validToDate.getTime() <= nowMs) throw new Error(`${subject} ended at ${validToDate.toISOString()}`);
  if (validFromDate.getTime() > nowMs) throw new Error(`${subject} counts from ${validFromDate.toISOString()} on`);
}

export interface CertificateFollower {
  clock: Clock;
  /** The pair in use. */
  known: CertificateAndKey;
  onNew: (pair: CertificateAndKey) => void;
  /** The new ones do not serve, or not now: those before stay in use. */
  onBad: (error: unknown) => void;
}

/** Looks at the files from now on. @returns the way to stop. */
export function followCertificateFiles(files: CertificateFiles, follower: CertificateFollower): () => void {
  const { clock, onNew, onBad } = follower;
  let { known } = follower;
  const look = async (): Promise<void> => {
    const next = await readCertificateFiles(files);
    if (next.certificate === known.certificate && next.key === known.key) return;
    requireTimely(next, clock);
    known = next;
    onNew(next);
  };
  const onFile = (): void => void look().catch(onBad);
  const { certFile, keyFile, lookMs = LOOK_MS } = files;
  for (const file of [certFile, keyFile]) watchFile(file, { interval: lookMs, persistent: false }, onFile);
  return () => {
    for (const file of [certFile, keyFile]) unwatchFile(file, onFile);
  };
}
