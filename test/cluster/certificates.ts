/** A certificate authority of its own for each cluster, so that TLS and client certificates are real. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

cryptoProvider.set(webcrypto);

/** A certificate and its private key (PKCS #8), both PEM. */
export interface KeyPair {
  certificate: string;
  key: string;
}

/** A CA that signs what a cluster needs. */
export interface Authority {
  /** The CA's certificate, PEM. */
  certificate: string;
  /** For a server with these DNS names and IP addresses. */
  server(addresses: readonly string[]): Promise<KeyPair>;
  /** For a client; Kubernetes reads the user from the common name and the groups from the organizations. */
  client(user: string, groups?: readonly string[]): Promise<KeyPair>;
}

/** What a ServiceAccount issuer signs tokens with, and what verifies them, both PEM. */
export interface TokenKeys {
  privateKey: string;
  publicKey: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;

/** Makes a CA with a fresh key (P-256: a dozen pairs take 50 ms, RSA would take seconds). */
export async function createAuthority(now: Date = new Date()): Promise<Authority> {
  const keys = await newKeys();
  const validity = { notBefore: new Date(now.getTime() - dayMs), notAfter: new Date(now.getTime() + 30 * dayMs) };
  const root = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: 'CN=sluice-test-cluster',
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
    ],
  });
  const sign = async (subject: Subject, usage: string, addresses: readonly string[]): Promise<KeyPair> => {
    const own = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      ...validity,
      subject,
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage]),
        ...(addresses.length > 0 ? [alternativeNames(addresses)] : []),
      ],
    });
    return { certificate: certificate.toString('pem'), key: await privateKeyPem(own) };
  };
  return {
    certificate: root.toString('pem'),
    server: (addresses) => sign([{ CN: [addresses[0] ?? 'server'] }], '1.3.6.1.5.5.7.3.1', addresses),
    client: (user, groups = []) =>
      sign([...groups.map((group) => ({ O: [group] })), { CN: [user] }], '1.3.6.1.5.5.7.3.2', []),
  };
}

/** A key pair for ServiceAccount tokens. */
export async function createTokenKeys(): Promise<TokenKeys> {
  const keys = await newKeys();
  const spki = await webcrypto.subtle.exportKey('spki', keys.publicKey);
  return { privateKey: await privateKeyPem(keys), publicKey: PemConverter.encode(spki, 'PUBLIC KEY') };
}

type Subject = Record<string, string[]>[];

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function privateKeyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
}

function alternativeNames(addresses: readonly string[]): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension(
    addresses.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? ('ip' as const) : ('dns' as const), value })),
  );
}
