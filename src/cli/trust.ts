/** Whom the command line believes that it is the orchestrator, beside those that every program of this machine believes. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { codeOf, messageOf } from '../shared/errors.ts';
import { EXIT, Exit } from './exit-code.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** @param file PEM, one authority or several. @throws Exit (invalid) when it cannot be read, or holds none. */
export function trustAuthority(file: string): void {
  const certificates = read(file);
  try {
    certificates.map((certificate) => new X509Certificate(certificate));
  } catch (cause) {
    throw wrong(file, messageOf(cause));
  }
  if (certificates.length === 0) throw wrong(file, 'there is no certificate in it');
  setDefaultCACertificates([...getCACertificates('default'), ...certificates]);
}

/** Whether a token that is sent there can be read on the way. */
export function isInClear(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function read(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').match(CERTIFICATE) ?? [];
  } catch (cause) {
    throw wrong(file, codeOf(cause) === 'ENOENT' ? 'there is no such file' : messageOf(cause));
  }
}

function wrong(file: string, why: string): Exit {
  return new Exit(
    EXIT.invalid,
    `--ca ${file} (or SLUICE_CA_FILE): ${why}. It must be the certificate of the authority, PEM: the orchestrator's own is ca/trusted.crt in its data folder.`,
  );
}
