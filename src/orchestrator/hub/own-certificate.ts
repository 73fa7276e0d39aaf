/** Your own certificate for the agents' port, from two files, followed as they change. */

import { X509Certificate, createPrivateKey } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../shared/clock.ts';
import { SluiceError, messageOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { CertificateAndKey } from '../security/issue.ts';

export interface OwnCertificate {
  readonly pair: CertificateAndKey;
  /** Calls back after each change. @returns the way to stop. */
  onChange(listener: () => void): () => void;
  stop(): void;
}

export interface OwnCertificateOptions {
  certFile: string;
  keyFile: string;
  clock: Clock;
  log: Log;
  /** How often the files are looked at. */
  lookMs?: number;
}

/** A mounted Secret swaps a link that the files are behind, which a look at the files sees on every file system. */
const LOOK_MS = 5_000;

/** @throws SluiceError AGENT_CERTIFICATE (stalled) when they do not serve. */
export async function openOwnCertificate(options: OwnCertificateOptions): Promise<OwnCertificate> {
  const { certFile, keyFile, log, lookMs = LOOK_MS } = options;
  const listeners = new Set<() => void>();
  let pair: CertificateAndKey;
  try {
    pair = await readPair(options, false);
  } catch (cause) {
    throw new SluiceError(
      'AGENT_CERTIFICATE',
      `The certificate of the agents' port cannot be used: ${messageOf(cause)}. Put right what SLUICE_AGENT_TLS_CERT_FILE (${certFile}) and SLUICE_AGENT_TLS_KEY_FILE (${keyFile}) name, or unset both to use the built-in authority.`,
      { cause, disposition: 'stalled' },
    );
  }
  const look = async (): Promise<void> => {
    const next = await readPair(options, true);
    if (next.certificate === pair.certificate && next.key === pair.key) return;
    pair = next;
    for (const listener of listeners) listener();
    log.info({ path: certFile, not_after: endOf(next) }, "certificate of the agents' port replaced");
  };
  const onFile = (): void =>
    void look().catch((err: unknown) => {
      log.warn({ err, path: certFile }, "new certificate of the agents' port cannot be used: the one before stays");
    });
  for (const file of [certFile, keyFile]) watchFile(file, { interval: lookMs, persistent: false }, onFile);
  return {
    get pair() {
      return pair;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      for (const file of [certFile, keyFile]) unwatchFile(file, onFile);
    },
  };
}

/** @param timely one that no agent would take is none. @throws Error when they are none, or do not belong together. */
async function readPair(
  { certFile, keyFile, clock }: OwnCertificateOptions,
  timely: boolean,
): Promise<CertificateAndKey> {
  const [certificate, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  const parsed = new X509Certificate(certificate);
  if (!parsed.checkPrivateKey(createPrivateKey(key))) throw new Error('certificate and key do not belong together');
  const { subject, validFromDate, validToDate } = parsed;
  const nowMs = clock.now();
  if (timely && (validToDate.getTime() <= nowMs || validFromDate.getTime() > nowMs)) {
    throw new Error(`${subject} counts from ${validFromDate.toISOString()} to ${validToDate.toISOString()}`);
  }
  return { certificate, key };
}

function endOf({ certificate }: CertificateAndKey): string {
  return new X509Certificate(certificate).validToDate.toISOString();
}
