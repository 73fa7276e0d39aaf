/** The orchestrator's own certificate authority: made at the first start, signs the hub's certificate and the agents'. */

import { X509Certificate, createPrivateKey } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { SluiceError, messageOf } from '../../shared/errors.ts';
import type { CertificateAndKey, IssuedCertificate } from './issue.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const RENEW_BEFORE_DAYS = 60;

export interface Authority {
  /** PEM of the authority's certificate: what both sides check the other by. */
  readonly ca: string;
  readonly server: CertificateAndKey;
  /**
   * A client certificate with the account as its common name. As long-lived as the authority: at each connect the hub
   * compares its serial with the account's current one, and that, not its age, is what ends it.
   */
  issueAgent(account: string): Promise<IssuedCertificate>;
  /**
   * The certificate of the HTTP API, kept beside the hub's: the same one until it is near its end, lacks a name or is another
   * authority's, so ask again now and then.
   * @param names beside localhost.
   */
  serverFor(names: readonly string[]): Promise<CertificateAndKey>;
}

export interface AuthorityOptions {
  dataDir: string;
  /** Names and addresses the hub is reached by, beside localhost. */
  hosts: readonly string[];
  now: () => number;
}

/**
 * Reads the authority from `<dataDir>/ca`, or makes it; renews the hub's certificate when it is near its end or lacks a host.
 * @throws SluiceError CERTIFICATE_AUTHORITY (stalled) when its files cannot be read.
 */
export async function loadAuthority(options: AuthorityOptions): Promise<Authority> {
  const folder = join(options.dataDir, 'ca');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ca = (await readPair(folder, 'ca')) ?? (await writePair(folder, 'ca', await newRoot(options)));
  const authority = readable(folder, ca);
  const serverNamed = async (name: string, hosts: readonly string[]): Promise<CertificateAndKey> => {
    const known = await readPair(folder, name);
    const isFresh = known !== undefined && isServerFresh(known.certificate, authority, { ...options, hosts });
    return isFresh ? known : writePair(folder, name, await newServer(ca, { ...options, hosts }));
  };
  return {
    ca: ca.certificate,
    server: await serverNamed('server', options.hosts),
    serverFor: (names) => serverNamed('api', names),
    issueAgent: async (account) => (await import('./issue.ts')).makeAgent(ca, account, options.now()),
  };
}

async function newRoot({ now }: AuthorityOptions): Promise<CertificateAndKey> {
  const { makeRoot } = await import('./issue.ts');
  return makeRoot(now());
}

async function newServer(ca: CertificateAndKey, { hosts, now }: AuthorityOptions): Promise<CertificateAndKey> {
  const { makeServer } = await import('./issue.ts');
  return makeServer(ca, hostNames(hosts), now());
}

function readable(folder: string, { certificate, key }: CertificateAndKey): X509Certificate {
  try {
    const parsed = new X509Certificate(certificate);
    if (!parsed.checkPrivateKey(createPrivateKey(key))) throw new Error('certificate and key do not belong together');
    return parsed;
  } catch (cause) {
    throw new SluiceError(
      'CERTIFICATE_AUTHORITY',
      `The certificate authority in ${folder} cannot be read: ${messageOf(cause)}. Restore ca.crt and ca.key from a backup; if you delete both, a new one is made and every agent needs a new credential.`,
      { disposition: 'stalled', cause },
    );
  }
}

/** An authority made anew has the old one's name, so the signature is what tells. */
function isServerFresh(pem: string, ca: X509Certificate, { hosts, now }: AuthorityOptions): boolean {
  try {
    const certificate = new X509Certificate(pem);
    const lastsMs = certificate.validToDate.getTime() - now();
    if (lastsMs <= RENEW_BEFORE_DAYS * DAY_MS || !hostNames(hosts).every((host) => covers(certificate, host)))
      return false;
    return certificate.verify(ca.publicKey);
  } catch {
    return false;
  }
}

function covers(certificate: X509Certificate, host: string): boolean {
  const name = isIP(host)
    ? certificate.checkIP(host)
    : certificate.checkHost(host, { subject: 'never', wildcards: false });
  return name !== undefined;
}

function hostNames(hosts: readonly string[]): string[] {
  return [...new Set(['localhost', '127.0.0.1', '::1', ...hosts])];
}

async function readPair(folder: string, name: string): Promise<CertificateAndKey | undefined> {
  const read = (ending: string): Promise<string | undefined> =>
    readFile(join(folder, `${name}.${ending}`), 'utf8').catch(missing);
  const [certificate, key] = await Promise.all([read('crt'), read('key')]);
  return certificate !== undefined && key !== undefined
    ? { certificate: certificate.trim(), key: key.trim() }
    : undefined;
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** The key first, each whole or not at all: an interrupted start makes the pair again. */
async function writePair(folder: string, name: string, pair: CertificateAndKey): Promise<CertificateAndKey> {
  for (const [ending, text, mode] of [
    ['key', pair.key, 0o600],
    ['crt', pair.certificate, 0o644],
  ] as const) {
    const path = join(folder, `${name}.${ending}`);
    await writeFile(`${path}.new`, `${text}\n`, { mode });
    await chmod(`${path}.new`, mode);
    await rename(`${path}.new`, path);
  }
  return pair;
}
