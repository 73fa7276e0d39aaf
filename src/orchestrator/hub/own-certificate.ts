/** Your own certificate for the agents' port, from two files, followed as they change. */

import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import { SluiceError, messageOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { followCertificateFiles, readCertificateFiles } from '../security/certificate-files.ts';
import type { CertificateFiles } from '../security/certificate-files.ts';
import type { CertificateAndKey } from '../security/issue.ts';

export interface OwnCertificate {
  readonly pair: CertificateAndKey;
  /** Calls back after each change. @returns the way to stop. */
  onChange(listener: () => void): () => void;
  stop(): void;
}

export interface OwnCertificateOptions extends CertificateFiles {
  clock: Clock;
  log: Log;
}

/** @throws SluiceError AGENT_CERTIFICATE (stalled) when they do not serve. */
export async function openOwnCertificate(options: OwnCertificateOptions): Promise<OwnCertificate> {
  const { certFile, keyFile, clock, log } = options;
  const listeners = new Set<() => void>();
  let pair = await readCertificateFiles(options).catch((cause: unknown) => {
    throw new SluiceError(
      'AGENT_CERTIFICATE',
      `The certificate of the agents' port cannot be used: ${messageOf(cause)}. Put right what SLUICE_AGENT_TLS_CERT_FILE (${certFile}) and SLUICE_AGENT_TLS_KEY_FILE (${keyFile}) name, or unset both to use the built-in authority.`,
      { cause, disposition: 'stalled' },
    );
  });
  const stop = followCertificateFiles(options, {
    clock,
    known: pair,
    onNew: (next) => {
      pair = next;
      for (const listener of listeners) listener();
      log.info({ path: certFile, not_after: endOf(next) }, "certificate of the agents' port replaced");
    },
    onBad: (err) => {
      log.warn({ err, path: certFile }, "new certificate of the agents' port cannot be used: the one before stays");
    },
  });
  return {
    get pair() {
      return pair;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop,
  };
}

function endOf({ certificate }: CertificateAndKey): string {
  return new X509Certificate(certificate).validToDate.toISOString();
}
