/** The orchestrator's own certificate authority: made at the first start, signs the hub's certificate and the agents'. */

import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { SluiceError, messageOf } from '../../shared/errors.ts';

x509.cryptoProvider.set(webcrypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
const SERVER_DAYS = 398;
const RENEW_BEFORE_DAYS = 60;
/** Clocks of other machines may be behind ours. */
const BACKDATE_MS = 60 * 60 * 1000;

interface CertificateAndKey {
  /** PEM */
  certificate: string;
  /** PEM, PKCS#8 */
  key: string;
}

interface IssuedCertificate extends CertificateAndKey {
  /** Hexadecimal, as `normalSerial` writes it. */
  serial: string;
}

export interface Authority {
  /** PEM of the authority's certificate: what both sides check the other by. */
  readonly ca: string;
  readonly server: CertificateAndKey;
  /**
   * A client certificate with the account as its common name. As long-lived as the authority: at each connect the hub
   * compares its serial with the account's current one, and that, not its age, is what ends it.
   */
  issueAgent(account: string): Promise<IssuedCertificate>;
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
  const ca = (await readPair(folder, 'ca')) ?? (await writePair(folder, 'ca', await makeRoot(options.now())));
  const signer = await signerOf(folder, ca);
  const known = await readPair(folder, 'server');
  const isFresh = known !== undefined && (await isServerFresh(known.certificate, signer.certificate, options));
  const server = isFresh ? known : await writePair(folder, 'server', await makeServer(signer, options));
  return { ca: ca.certificate, server, issueAgent: (account) => makeAgent(signer, account, options.now()) };
}

/** As Node and the library write a serial number, made equal: lower case, no leading zeros. */
export function normalSerial(serial: string): string {
  return serial.toLowerCase().replace(/^0+/, '');
}

interface Signer {
  certificate: x509.X509Certificate;
  key: webcrypto.CryptoKey;
}

async function signerOf(folder: string, pair: CertificateAndKey): Promise<Signer> {
  try {
    const key = await webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pair.key), ALGORITHM, false, [
      'sign',
    ]);
    return { certificate: new x509.X509Certificate(pair.certificate), key: key };
  } catch (cause) {
    throw new SluiceError(
      'CERTIFICATE_AUTHORITY',
      `The certificate authority in ${folder} cannot be read: ${messageOf(cause)}. Restore ca.crt and ca.key from a backup; if you delete both, a new one is made and every agent needs a new credential.`,
      { disposition: 'stalled', cause },
    );
  }
}

async function makeRoot(nowMs: number): Promise<CertificateAndKey> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Sluice',
    serialNumber: newSerial(),
    ...validity(nowMs, CA_DAYS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem').trim(), key: await keyPem(keys.privateKey) };
}

async function makeServer(signer: Signer, { hosts, now }: AuthorityOptions): Promise<CertificateAndKey> {
  const names = hostNames(hosts).map((host) => ({
    type: isIP(host) ? ('ip' as const) : ('dns' as const),
    value: host,
  }));
  const extensions = [new x509.SubjectAlternativeNameExtension(names), usage(x509.ExtendedKeyUsage.serverAuth)];
  return sign(signer, 'sluice-orchestrator', extensions, validity(now(), SERVER_DAYS));
}

function makeAgent(signer: Signer, account: string, nowMs: number): Promise<IssuedCertificate> {
  const { notBefore } = validity(nowMs, CA_DAYS);
  return sign(signer, account, [usage(x509.ExtendedKeyUsage.clientAuth)], {
    notBefore,
    notAfter: signer.certificate.notAfter,
  });
}

async function sign(
  signer: Signer,
  commonName: string,
  extensions: x509.Extension[],
  { notBefore, notAfter }: { notBefore: Date; notAfter: Date },
): Promise<IssuedCertificate> {
  const keys = await newKeys();
  const serial = newSerial();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: [{ CN: [commonName] }],
    issuer: signer.certificate.subject,
    notBefore,
    notAfter: notAfter > signer.certificate.notAfter ? signer.certificate.notAfter : notAfter,
    signingKey: signer.key,
    publicKey: keys.publicKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.AuthorityKeyIdentifierExtension.create(signer.certificate),
      ...extensions,
    ],
  });
  return {
    certificate: certificate.toString('pem').trim(),
    key: await keyPem(keys.privateKey),
    serial: normalSerial(serial),
  };
}

/** An authority made anew has the old one's name, so the signature is what tells. */
async function isServerFresh(
  pem: string,
  ca: x509.X509Certificate,
  { hosts, now }: AuthorityOptions,
): Promise<boolean> {
  try {
    const certificate = new x509.X509Certificate(pem);
    const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
    const covered = new Set(names.map((name) => name.value));
    const lastsMs = certificate.notAfter.getTime() - now();
    if (lastsMs <= RENEW_BEFORE_DAYS * DAY_MS || !hostNames(hosts).every((host) => covered.has(host))) return false;
    return await certificate.verify({ publicKey: ca.publicKey, signatureOnly: true });
  } catch {
    return false;
  }
}

function hostNames(hosts: readonly string[]): string[] {
  return [...new Set(['localhost', '127.0.0.1', '::1', ...hosts])];
}

function usage(purpose: string): x509.Extension {
  return new x509.ExtendedKeyUsageExtension([purpose]);
}

function validity(nowMs: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - BACKDATE_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}

/** 127 bits of chance; the first bit stays 0, since the number is signed. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  return x509.PemConverter.encode(der, 'PRIVATE KEY').trim();
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
