/** The certificate of the API: the built-in authority's, or your own from two files, and word of each new one. */

import { X509Certificate } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import { messageOf, SluiceError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { ApiTls } from '../config.ts';
import type { Authority } from '../security/authority.ts';
import { followCertificateFiles, readCertificateFiles, requireTimely } from '../security/certificate-files.ts';
import type { CertificateFiles } from '../security/certificate-files.ts';
import type { CertificateAndKey } from '../security/issue.ts';

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
    return served(await authority.serverFor(names));
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

async function ofFiles(files: CertificateFiles, { clock, log }: ApiCertificateOptions): Promise<ApiCertificate> {
  const { certFile, keyFile } = files;
  const known = await readCertificateFiles(files).catch((cause: unknown) => {
    throw new SluiceError(
      'API_CERTIFICATE',
      `The API's certificate cannot be used: ${messageOf(cause)}. Put right what SLUICE_API_TLS_CERT_FILE (${certFile}) and SLUICE_API_TLS_KEY_FILE (${keyFile}) name, or unset both to use the built-in authority.`,
      { cause, disposition: 'stalled' },
    );
  });
  warnOfAge(known, clock, log);
  return {
    pair: served(known),
    follow: (use) =>
      followCertificateFiles(files, {
        clock,
        known,
        onNew: (next) => {
          use(served(next));
          log.info(described(next.certificate), 'API certificate replaced');
        },
        onBad: (err) => {
          log.warn({ err, path: [certFile, keyFile] }, 'new API certificate cannot be used: the one before stays');
        },
      }),
  };
}

function served({ certificate, key }: CertificateAndKey): ServerPair {
  return { cert: certificate, key };
}

/** At a start there is no other, and runs wait for us: it is served and said. */
function warnOfAge(pair: CertificateAndKey, clock: Clock, log: Log): void {
  try {
    requireTimely(pair, clock);
  } catch (err) {
    log.warn({ err }, 'no client will take the API certificate');
  }
}

function described(cert: string): { host: string; not_after: string } {
  const { subjectAltName = '', validToDate } = new X509Certificate(cert);
  return { host: subjectAltName, not_after: validToDate.toISOString() };
}
