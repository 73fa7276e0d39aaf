/** Who is calling: from the client certificate, or the bearer token where there is no TLS. Never from a message. */

import type { ServerDuplexStream } from '@grpc/grpc-js';
import { normalSerial } from '../security/serial.ts';
import { hashToken } from '../security/credential.ts';
import { identityOfAccount, identityOfToken } from '../store/agents.ts';
import type { AgentIdentity } from '../store/agents.ts';
import type { Store } from '../store/store.ts';

export interface Presented {
  /** TLS client certificate, already verified against our authority. */
  certificate?: { commonName: string; serial: string };
  /** Bearer token; heard only where there is no TLS. */
  token?: string;
}

/** `of`: the account whose credential does not count; undefined if it is nobody's. */
export type Identification = { account: string } | { refused: string; of: string | undefined };

/** What a call brings along. A certificate outranks a token: with TLS the token is not looked at. */
export function presentedBy(
  call: Pick<ServerDuplexStream<unknown, unknown>, 'getAuthContext' | 'metadata'>,
): Presented {
  const context = call.getAuthContext();
  if (context?.transportSecurityType === 'ssl') {
    const peer = context.sslPeerCertificate;
    const commonName = peer?.subject?.CN;
    if (!peer || typeof commonName !== 'string') return {};
    return { certificate: { commonName, serial: normalSerial(peer.serialNumber) } };
  }
  const [header] = call.metadata.get('authorization');
  const token = /^Bearer (\S+)$/i.exec(String(header ?? ''))?.[1];
  return token === undefined ? {} : { token };
}

/** Looks up what was presented. */
export async function identify(store: Store, presented: Presented): Promise<Identification> {
  const { certificate, token } = presented;
  if (certificate) {
    const known = await identityOfAccount(store, certificate.commonName);
    return judgeIdentity(known, known?.certificateSerial === certificate.serial);
  }
  if (token !== undefined) return judgeIdentity(await identityOfToken(store, hashToken(token)), true);
  return { refused: 'No credential was presented. Make one with: sluice agents add NAME', of: undefined };
}

/** @param isCurrent the credential is the account's newest. */
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
