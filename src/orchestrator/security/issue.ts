/** Makes certificates. A module of its own, loaded when one is to be made: its library takes 60 ms of a start, which a restart does not need. */

import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { SluiceError, messageOf } from '../../shared/errors.ts';
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

export interface SignedCertificate {
  /** PEM */
  certificate: string;
  /** Hexadecimal, as `normalSerial` writes it. */
  serial: string;
  endsAt: Date;
}

export type IssuedCertificate = SignedCertificate & CertificateAndKey;

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
  const keys = await newKeys();
  const signer = await signerOf(ca);
  const subject = { commonName: 'sluice-orchestrator', publicKey: keys.publicKey };
  const { certificate } = await sign(signer, subject, extensions, validity(nowMs, SERVER_DAYS));
  return { certificate, key: await keyPem(keys.privateKey) };
}

/** A client certificate with the account as its common name, and its key, as long-lived as the authority. */
export async function makeAgent(ca: CertificateAndKey, account: string, nowMs: number): Promise<IssuedCertificate> {
  const signer = await signerOf(ca);
  const keys = await newKeys();
  const subject = { commonName: account, publicKey: keys.publicKey };
  const { notBefore } = validity(nowMs, CA_DAYS);
  const signed = await sign(signer, subject, [usage(x509.ExtendedKeyUsage.clientAuth)], {
    notBefore,
    notAfter: signer.certificate.notAfter,
  });
  return { ...signed, key: await keyPem(keys.privateKey) };
}

/**
 * A client certificate for the key of a request; whatever else the request says is not looked at.
 * @param csr PKCS#10, DER. @throws SluiceError INVALID_CSR.
 */
export async function signAgent(
  ca: CertificateAndKey,
  account: string,
  csr: Uint8Array,
  { nowMs, lifetimeMs }: { nowMs: number; lifetimeMs: number },
): Promise<SignedCertificate> {
  const publicKey = await keyOfRequest(csr);
  const notBefore = new Date(nowMs - BACKDATE_MS);
  return sign(await signerOf(ca), { commonName: account, publicKey }, [usage(x509.ExtendedKeyUsage.clientAuth)], {
    notBefore,
    notAfter: new Date(nowMs + lifetimeMs),
  });
}

/** The public key of a request (SPKI, DER), whose holder signed it. @throws SluiceError INVALID_CSR. */
export async function publicKeyOf(csr: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await webcrypto.subtle.exportKey('spki', await keyOfRequest(csr)));
}

async function keyOfRequest(csr: Uint8Array): Promise<webcrypto.CryptoKey> {
  try {
    const request = new x509.Pkcs10CertificateRequest(Uint8Array.from(csr));
    if (!(await request.verify())) throw new Error('its signature does not fit its key');
    return await request.publicKey.export(ALGORITHM, ['verify']);
  } catch (cause) {
    throw new SluiceError('INVALID_CSR', `The certificate request cannot be used: ${messageOf(cause)}.`, { cause });
  }
}

async function sign(
  signer: Signer,
  { commonName, publicKey }: { commonName: string; publicKey: webcrypto.CryptoKey },
  extensions: x509.Extension[],
  { notBefore, notAfter }: { notBefore: Date; notAfter: Date },
): Promise<SignedCertificate> {
  const serial = newSerial();
  const endsAt = notAfter > signer.certificate.notAfter ? signer.certificate.notAfter : notAfter;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: [{ CN: [commonName] }],
    issuer: signer.certificate.subject,
    notBefore,
    notAfter: endsAt,
    signingKey: signer.key,
    publicKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.AuthorityKeyIdentifierExtension.create(signer.certificate),
      ...extensions,
    ],
  });
  return { certificate: certificate.toString('pem').trim(), serial: normalSerial(serial), endsAt };
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
