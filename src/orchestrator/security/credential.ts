/** An agent's credential: made once, shown once; the orchestrator keeps a hash of the token and the certificate's serial. */

import { createHash, randomBytes } from 'node:crypto';
import { SluiceError } from '../../shared/errors.ts';
import { saveAgent } from '../store/agents.ts';
import type { Store } from '../store/store.ts';
import type { Authority } from './authority.ts';

/** What `sluice agents add` writes, and an agent reads. */
export interface AgentCredential {
  account: string;
  /** host:port of the hub. */
  server: string;
  /** PEM */
  ca: string;
  certificate: string;
  key: string;
  token: string;
}

/** The same where agents see another's certificate: with `ca` absent they trust what their system does. A proxy that ends TLS sees no certificate of theirs. */
export interface GivenCredential extends Pick<AgentCredential, 'account' | 'server' | 'token'> {
  ca?: string;
  certificate?: string;
  key?: string;
}

const ACCOUNT = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;

/**
 * Gives an account a credential. An account has one: what it had before no longer counts.
 * @throws SluiceError INVALID_ACCOUNT.
 */
export async function addAgent(
  store: Store,
  authority: Authority,
  server: string,
  account: string,
): Promise<AgentCredential> {
  requireAccountName(account);
  const { certificate, key, serial, endsAt } = await authority.issueAgent(account);
  const token = newToken();
  await saveAgent(store, account, hashToken(token), { serial, endsAt, authority: authority.active });
  return { account, server, ca: authority.ca, certificate, key, token };
}

export function newToken(): string {
  return `sluice_${randomBytes(32).toString('base64url')}`;
}

/** 256 bits of chance need no salt and no slow hash. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** @throws SluiceError INVALID_ACCOUNT. */
export function requireAccountName(account: string): void {
  if (ACCOUNT.test(account)) return;
  throw new SluiceError(
    'INVALID_ACCOUNT',
    `The account name ${JSON.stringify(account)} cannot be used: 1 to 63 letters, digits, "_", "." and "-", beginning with a letter or digit.`,
  );
}
