/** What an agent's credential says of itself. */

import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { AgentCredential } from '../credential.ts';
import type { CertificateOfAgent, CredentialFacts } from './judge-credential.ts';

/** @throws where certificate, key or CA is no PEM. */
export function credentialFacts(path: string, credential: AgentCredential): CredentialFacts {
  const { token, certificate, key = '', ca } = credential;
  const facts = certificate === undefined ? undefined : certificateFacts(certificate, key, ca);
  return { path, hasToken: token !== undefined, certificate: facts };
}

function certificateFacts(pem: string, key: string, ca: string | undefined): CertificateOfAgent {
  const certificate = new X509Certificate(pem);
  return {
    commonName: /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.subject,
    validFromMs: certificate.validFromDate.getTime(),
    validToMs: certificate.validToDate.getTime(),
    matchesKey: certificate.checkPrivateKey(createPrivateKey(key)),
    // Several, while an authority is replaced: one of them is enough.
    signedByCa: ca === undefined ? undefined : authoritiesOf(ca).some((each) => certificate.verify(each.publicKey)),
  };
}

function authoritiesOf(bundle: string): X509Certificate[] {
  const pems = bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return pems.map((pem) => new X509Certificate(pem));
}
