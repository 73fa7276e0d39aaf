/** Makes certificates. A module of its own, loaded when one is to be made: its library takes 60 ms of a start, which a restart does not need. */

import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { normalSerial } from './serial.ts';

x509.cryptoProvider.set(webcrypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
const SERVER_DAYS = 398;
/** Clocks of other machines may be behind ours. */
const BACKDATE_MS = 60 * 60 * 1000;

export interface CertificateAndKey {
  /** PEM */
  certificate: string;
  /** PEM, PKCS#8 */
  key: string;
}

export interface IssuedCertificate extends CertificateAndKey {
  /** Hexadecimal, as `normalSerial` writes it. */
  serial: string;
}

interface Signer {
  certificate: x509.X509Certificate;
  key: webcrypto.CryptoKey;
}

async function signerOf(pair: CertificateAndKey): Promise<Signer> {
  const der = x509.PemConverter.decodeFirst(pair.key);
  const key = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
  return { certificate: new x509.X509Certificate(pair.certificate), key };
}

/** A new authority. */
export async function makeRoot(nowMs: number): Promise<CertificateAndKey> {
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

/** @param names of the hub: names and addresses it is reached by. */
export async function makeServer(
  ca: CertificateAndKey,
  names: readonly string[],
  nowMs: number,
): Promise<CertificateAndKey> {
  const alternatives = names.map((host) => ({ type: isIP(host) ? ('ip' as const) : ('dns' as const), value: host }));
  const extensions = [new x509.SubjectAlternativeNameExtension(alternatives), usage(x509.ExtendedKeyUsage.serverAuth)];
  return sign(await signerOf(ca), 'sluice-orchestrator', extensions, validity(nowMs, SERVER_DAYS));
}

/** A client certificate with the account as its common name, as long-lived as the authority. */
export async function makeAgent(ca: CertificateAndKey, account: string, nowMs: number): Promise<IssuedCertificate> {
  const signer = await signerOf(ca);
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
