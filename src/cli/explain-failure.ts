/** Why nobody answered, where that is more than a word of the system, and what to do about it. Pure. */

import { codeOf, messageOf } from '../shared/errors.ts';

/** As Node names it, of OpenSSL's X509_V_ERR_*. */
const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
]);
const NO_TLS = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO']);
const CUT = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** @param authority the file of --ca; undefined: none was given. */
export function explainFailure(url: string, failure: unknown, authority: string | undefined): string {
  const error = failure instanceof Error && failure.cause instanceof Error ? failure.cause : failure;
  const code = codeOf(error) ?? '';
  const isTls = url.startsWith('https:');
  if (UNTRUSTED.has(code)) return untrusted(url, authority);
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const when = code === 'CERT_HAS_EXPIRED' ? 'is past its time' : 'does not count yet';
    return `The certificate of ${url} ${when}, or the clock of this machine is wrong (${new Date().toISOString()}).\nRenew it where the orchestrator reads it (SLUICE_API_TLS_CERT_FILE); its own authority renews by itself.`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { hostname } = new URL(url);
    return `The certificate of ${url} is for ${namesOf(error)}, not for ${hostname}.\nCall it by one of these names, or have the orchestrator told that it is called so: SLUICE_API_PUBLIC_URL=https://${hostname}`;
  }
  if (isTls && NO_TLS.has(code)) {
    return `What answers at ${url} speaks no TLS.\nName it with http:// if that is meant (an API on loopback, or SLUICE_API_TLS=off).`;
  }
  const said = `The orchestrator does not answer at ${url} (${messageOf(error)}).`;
  if (!isTls && CUT.has(code))
    return `${said}\nBeyond loopback it speaks TLS: name it with https:// in --server or SLUICE_URL.`;
  return `${said}\nStart one with \`sluice orchestrator\`, or name it with --server or SLUICE_URL.`;
}

function untrusted(url: string, authority: string | undefined): string {
  const said = `The certificate of ${url} is signed by no authority that this machine trusts`;
  if (authority === undefined) {
    return `${said}.\nName the orchestrator's own with --ca FILE or SLUICE_CA_FILE: it is ca/trusted.crt in its data folder.`;
  }
  return `${said}, nor by the one in ${authority}.\nIt is another orchestrator, or its authority is a new one: get ca/trusted.crt from its data folder again.`;
}

function namesOf(error: unknown): string {
  const { cert } = error as { cert?: { subjectaltname?: string } };
  return cert?.subjectaltname?.replaceAll(/(?:DNS|IP Address):/g, '') ?? 'other names';
}
