/** Who is calling: from the client certificate, or the bearer token where there is no TLS. Never from a message. */

import { TLSSocket } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { normalSerial } from '../security/serial.ts';
import { hashToken } from '../security/credential.ts';
import { identityOfAccount, identityOfToken } from '../store/agents.ts';
import type { AgentIdentity } from '../store/agents.ts';
import type { Store } from '../store/store.ts';

export interface Presented {
  /** TLS client certificate, already verified against our authorities. */
  certificate?: { commonName: string; serial: string };
  /** Over TLS no certificate that counts: what to say about it. */
  lacking?: string;
  /** Bearer token; heard only where there is no TLS. */
  token?: string;
}

/** `of`: the account whose credential does not count; undefined if it is nobody's. */
export type Identification = { account: string; serial?: string } | { refused: string; of: string | undefined };

type Call = Pick<ServerDuplexStream<unknown, unknown>, 'getAuthContext' | 'metadata'>;

/** What a call brings along. Over TLS a token is not looked at. */
export function presentedBy(call: Call, nowMs: number): Presented {
  const context = call.getAuthContext();
  if (context?.transportSecurityType === 'ssl') {
    const peer = context.sslPeerCertificate;
    const commonName = peer?.subject?.CN;
    if (!peer || typeof commonName !== 'string') return { lacking: NONE };
    return { certificate: { commonName, serial: normalSerial(peer.serialNumber) } };
  }
  const socket = socketOf(call);
  if (socket instanceof TLSSocket) {
    return { lacking: explainUnaccepted(socket.getPeerCertificate(), socket.authorizationError, nowMs) };
  }
  const [header] = call.metadata.get('authorization');
  const token = /^Bearer (\S+)$/i.exec(String(header ?? ''))?.[1];
  return token === undefined ? {} : { token };
}

const NONE = 'No client certificate was presented. Enrol the agent: sluice agents add NAME';

/**
 * Says of a client certificate that TLS did not accept why.
 * @param cause as OpenSSL names it.
 */
export function explainUnaccepted(
  peer: Partial<Pick<PeerCertificate, 'subject' | 'valid_from' | 'valid_to'>>,
  cause: unknown,
  nowMs: number,
): string {
  const { subject, valid_from: from = '', valid_to: to = '' } = peer;
  if (subject === undefined) return NONE;
  const account = String(subject.CN);
  const now = `the orchestrator's clock says ${new Date(nowMs).toISOString()}`;
  if (String(cause) === 'CERT_HAS_EXPIRED') {
    return `The certificate of ${account} ended at ${isoOf(to)} (${now}): its agent was away too long to renew it. Enrol it again: sluice agents add ${account}`;
  }
  if (String(cause) === 'CERT_NOT_YET_VALID') {
    return `The certificate of ${account} counts from ${isoOf(from)} on, and ${now}. Set the clock that is wrong.`;
  }
  return `The certificate of ${account} is of an authority that does not count here, or no longer (${String(cause)}). Enrol the agent again: sluice agents add ${account}`;
}

function isoOf(date: string): string {
  const ms = Date.parse(date);
  return Number.isNaN(ms) ? date : new Date(ms).toISOString();
}

/** grpc-js says nothing of a certificate that was not accepted, and keeps the connection to itself; a test tells if it moves. */
function socketOf(call: unknown): unknown {
  const { call: inner } = call as { call?: { stream?: { session?: { socket?: unknown } } } };
  return inner?.stream?.session?.socket;
}

/** Looks up what was presented. */
export async function identify(store: Store, presented: Presented): Promise<Identification> {
  const { certificate, token, lacking } = presented;
  if (certificate) {
    const { serial } = certificate;
    const known = await identityOfAccount(store, certificate.commonName);
    const isCurrent = known !== undefined && [known.certificateSerial, known.previousSerial].includes(serial);
    return { ...judgeIdentity(known, isCurrent), serial };
  }
  if (lacking !== undefined) return { refused: lacking, of: undefined };
  if (token !== undefined) return judgeIdentity(await identityOfToken(store, hashToken(token)), true);
  return { refused: 'No credential was presented. Enrol the agent: sluice agents add NAME', of: undefined };
}

/** @param isCurrent the credential is the account's newest, or the one before that while the newest was not used. */
export function judgeIdentity(known: AgentIdentity | undefined, isCurrent: boolean): Identification {
  if (!known) {
    const refused = 'The credential is of no agent that is known here. Make one with: sluice agents add NAME';
    return { refused, of: undefined };
  }
  const { account } = known;
  if (known.revokedAt) return { refused: `The credential of ${account} is revoked.`, of: account };
  if (!isCurrent) {
    return { refused: `The credential of ${account} was replaced by a newer one. Use that one.`, of: account };
  }
  return { account };
}
