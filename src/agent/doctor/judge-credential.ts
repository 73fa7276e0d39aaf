/** Whether the agent's credential can prove who it is. Pure. */

import { fail, ok } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';
import { judgeValidity } from '../../shared/judge-certificate.ts';
import type { Validity } from '../../shared/judge-certificate.ts';

export interface CredentialFacts {
  /** A file or a folder. */
  path: string;
  hasToken: boolean;
  certificate: CertificateOfAgent | undefined;
}

export interface CertificateOfAgent extends Validity {
  /** The account, as the orchestrator reads it. */
  commonName: string;
  matchesKey: boolean;
  /** Undefined: the credential has no CA to check it by. */
  signedByCa: boolean | undefined;
}

const NEW_ONE = 'Make a new credential with `sluice agents add NAME` and put it into the Secret.';
/** It renews itself long before; this close to the end it has not. */
const WARN_BELOW_MS = 7 * 24 * 60 * 60 * 1000;

export function judgeCredential({ path, hasToken, certificate }: CredentialFacts, nowMs: number): Check[] {
  const named = (id: string, detail: string): Check => fail(id, 'credential', detail, NEW_ONE);
  if (!certificate) {
    if (hasToken) return [ok('credential', 'credential', `${path} holds a token, and no certificate`)];
    return [named('credential', `${path} holds neither a certificate nor a token`)];
  }
  const { commonName, matchesKey, signedByCa } = certificate;
  if (!matchesKey) return [named('credential', `${path}: certificate and key do not belong together`)];
  if (signedByCa === false) {
    return [named('credential', `${path}: the certificate of ${commonName} is not signed by the CA beside it`)];
  }
  const words = {
    id: 'certificate',
    title: 'certificate',
    what: `the certificate of account ${commonName}`,
    renew: NEW_ONE,
    warnBelowMs: WARN_BELOW_MS,
  };
  const token = hasToken ? ', and a token' : '';
  return [
    ok('credential', 'credential', `${path} holds a certificate of account ${commonName}${token}`),
    judgeValidity(certificate, nowMs, words),
  ];
}
