/** The certificate of the API: the built-in authority's, or your own from two files, and word of each new one. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import { messageOf, SluiceError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { ApiTls } from '../config.ts';
import type { Authority } from '../security/authority.ts';

interface ServerPair {
  /** PEM; with the chain after it, if there is one. */
  cert: string;
  /** PEM. */
  key: string;
}

export interface ApiCertificate {
  pair: ServerPair;
  /** From now on calls back with each new pair. @returns the way to stop. */
  follow(use: (pair: ServerPair) => void): () => void;
}

export interface ApiCertificateOptions {
  tls: ApiTls;
  authority: Pick<Authority, 'ca' | 'serverFor' | 'onChange'>;
  /** Where clients find the authorities to trust: `ca/trusted.crt`. */
  dataDir: string;
  /** What the API is called, beside localhost. */
  names: readonly string[];
  clock: Clock;
  log: Log;
}

/** A mounted Secret swaps a link that the files are behind, which a look at the files sees on every file system. */
const LOOK_MS = 5_000;
const DAY_MS = 24 * 60 * 60 * 1_000;

/** @returns undefined: no TLS. @throws SluiceError API_CERTIFICATE (stalled) when your files do not serve. */
export async function openApiCertificate(options: ApiCertificateOptions): Promise<ApiCertificate | undefined> {
  const { tls } = options;
  switch (tls.kind) {
    case 'off':
      return undefined;
    case 'builtIn':
      return builtIn(options);
    case 'files':
      return ofFiles(tls, options);
  }
}

/** Asks again each day, and when another authority signs. */
async function builtIn(options: ApiCertificateOptions): Promise<ApiCertificate> {
  const { authority, names, dataDir, clock, log } = options;
  const ask = async (): Promise<ServerPair> => {
    await publish(join(dataDir, 'ca'), authority.ca);
    const { certificate, key } = await authority.serverFor(names);
    return { cert: certificate, key };
  };
  const pair = await ask();
  return {
    pair,
    follow(use) {
      let known = pair.cert;
      let cancel = (): void => {};
      const renew = async (): Promise<void> => {
        const next = await ask();
        if (next.cert === known) return;
        known = next.cert;
        use(next);
        log.info(described(next.cert), 'API certificate renewed');
      };
      const look = (): void =>
        void renew().catch((err: unknown) => log.warn({ err }, 'API certificate could not be renewed'));
      const arm = (): void => {
        cancel = clock.after(DAY_MS, () => {
          arm();
          look();
        });
      };
      arm();
      const stopListening = authority.onChange(look);
      return () => {
        cancel();
        stopListening();
      };
    },
  };
}

/** One name for what clients are given to trust, whichever authority signs: while one follows another it holds both. */
async function publish(folder: string, trusted: string): Promise<void> {
  const path = join(folder, 'trusted.crt');
  await writeFile(`${path}.new`, `${trusted}\n`, { mode: 0o644 });
  await rename(`${path}.new`, path);
}

async function ofFiles(
  { certFile, keyFile, lookMs = LOOK_MS }: Extract<ApiTls, { kind: 'files' }>,
  { clock, log }: ApiCertificateOptions,
): Promise<ApiCertificate> {
  const pair = await readPair(certFile, keyFile).catch((cause: unknown) => {
    throw new SluiceError(
      'API_CERTIFICATE',
      `The API's certificate cannot be used: ${messageOf(cause)}. Put right what SLUICE_API_TLS_CERT_FILE (${certFile}) and SLUICE_API_TLS_KEY_FILE (${keyFile}) name, or unset both to use the built-in authority.`,
      { cause, disposition: 'stalled' },
    );
  });
  warnOfAge(pair.cert, clock, log);
  return {
    pair,
    follow(use) {
      let known = pair;
      const look = async (): Promise<void> => {
        const next = await readPair(certFile, keyFile);
        if (next.cert === known.cert && next.key === known.key) return;
        requireTimely(next.cert, clock);
        known = next;
        use(next);
        log.info(described(next.cert), 'API certificate replaced');
      };
      const onChange = (): void =>
        void look().catch((err: unknown) => {
          log.warn({ err, path: [certFile, keyFile] }, 'new API certificate cannot be used: the one before stays');
        });
      for (const file of [certFile, keyFile]) watchFile(file, { interval: lookMs, persistent: false }, onChange);
      return () => {
        for (const file of [certFile, keyFile]) unwatchFile(file, onChange);
      };
    },
  };
}

/** @throws Error when they cannot be read, are none, or do not belong together. */
async function readPair(certFile: string, keyFile: string): Promise<ServerPair> {
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new Error('certificate and key do not belong together');
  }
  return { cert, key };
}

/** While another one serves, one that no client takes is none. */
function requireTimely(cert: string, clock: Clock): void {
  const { validFromDate, validToDate, subject } = new X509Certificate(cert);
  const nowMs = clock.now();
  if (validToDate.getTime() <= nowMs) throw new Error(`${subject} ended at ${validToDate.toISOString()}`);
  if (validFromDate.getTime() > nowMs) throw new Error(`${subject} counts from ${validFromDate.toISOString()} on`);
}

/** At a start there is no other, and runs wait for us: it is served and said. */
function warnOfAge(cert: string, clock: Clock, log: Log): void {
  try {
    requireTimely(cert, clock);
  } catch (err) {
    log.warn({ err }, 'no client will take the API certificate');
  }
}

function described(cert: string): { host: string; not_after: string } {
  const { subjectAltName = '', validToDate } = new X509Certificate(cert);
  return { host: subjectAltName, not_after: validToDate.toISOString() };
}
