/** How an account gets its credential: a join token for a certificate, a certificate for its successor, or a token where a proxy ends TLS. */

import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import { SluiceError } from '../../shared/errors.ts';
import type { IssuedCredential } from '../../protocol/gen/sluice/agent/v1/IssuedCredential.ts';
import { encodeJoinToken } from '../../protocol/join-token.ts';
import { addAgentToken, renewCertificate, revokeOlderToken, saveAgent } from '../store/agents.ts';
import { saveJoinToken, useJoinToken } from '../store/join-tokens.ts';
import type { Store } from '../store/store.ts';
import type { Authority } from './authority.ts';
import { hashToken, newToken, requireAccountName } from './credential.ts';
import type { GivenCredential } from './credential.ts';
import { JOIN_TOKEN_HOURS, judgeJoin } from './join.ts';
import type { JoinRefusal } from './join.ts';

export interface EnrolmentOptions {
  store: Store;
  clock: Clock;
  authority: Authority;
  /** host:port as agents reach the hub. */
  server: () => string;
  /** What they check it by: PEM; undefined: the authorities that their system trusts. Asked each time. */
  hubAuthority: () => string | undefined;
  /** Who ends TLS: the hub, so that certificates are seen, or something before it (or nothing, on loopback). */
  endsTls: boolean;
  certificateMs: number;
}

export interface Invitation {
  account: string;
  joinToken: string;
  expiresAt: Date;
  server: string;
}

export type Enrolled =
  { credential: IssuedCredential; account: string } | (JoinRefusal & { account: string | undefined });

const HOUR_MS = 60 * 60 * 1000;

export class Enrolment {
  readonly #options: EnrolmentOptions;

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /** A join token for an account; one that was not used ends. What credential the account has counts until it is used. @throws SluiceError INVALID_ACCOUNT. */
  async invite(account: string): Promise<Invitation> {
    requireAccountName(account);
    const { store, clock, server, hubAuthority } = this.#options;
    const secret = randomBytes(32).toString('base64url');
    const expiresAt = new Date(clock.now() + JOIN_TOKEN_HOURS * HOUR_MS);
    await saveJoinToken(store, account, hashToken(secret), expiresAt);
    const ca = hubAuthority();
    const joinToken = encodeJoinToken({ account, server: server(), secret, ...(ca !== undefined && { ca }) });
    return { account, joinToken, expiresAt, server: server() };
  }

  /**
   * Answers an agent that has a join token. @param by which agent, for people.
   * @throws SluiceError INVALID_CSR; what the store throws.
   */
  async enrol(secret: string, csr: Uint8Array, by: string): Promise<Enrolled> {
    const { store, clock } = this.#options;
    const { publicKeyOf } = await import('./issue.ts');
    const key = fingerprint(await publicKeyOf(csr));
    const nowMs = clock.now();
    const used = await useJoinToken(store, hashToken(secret), { key, by, at: new Date(nowMs) }, (row) =>
      judgeJoin(row, key, nowMs),
    );
    if ('refusal' in used) return { ...used.refusal, account: used.account };
    return { credential: await this.#issue(used.account, csr), account: used.account };
  }

  /** Answers an agent that has a certificate. @param serial of that one. @throws SluiceError INVALID_CSR, NOT_CURRENT. */
  async renew(account: string, serial: string, csr: Uint8Array): Promise<IssuedCredential> {
    const { store, authority, certificateMs } = this.#options;
    const signed = await authority.signAgent(account, csr, certificateMs);
    const facts = { serial: signed.serial, endsAt: signed.endsAt, authority: authority.active };
    if (await renewCertificate(store, account, serial, facts)) return this.#answer(account, signed);
    throw new SluiceError('NOT_CURRENT', `The certificate of ${account} was replaced or revoked meanwhile.`);
  }

  /** A token beside those that the account has; of these the newer stays. @throws SluiceError NO_SUCH_AGENT. */
  async addToken(account: string): Promise<GivenCredential> {
    const token = newToken();
    if (!(await addAgentToken(this.#options.store, account, hashToken(token)))) throw noSuchAgent(account);
    const { server, hubAuthority } = this.#options;
    const ca = hubAuthority();
    return { account, server: server(), ...(ca !== undefined && { ca }), token };
  }

  /** Leaves the account its newest token alone. @throws SluiceError NO_SUCH_AGENT. */
  async revokeOlderToken(account: string): Promise<void> {
    if (!(await revokeOlderToken(this.#options.store, account))) throw noSuchAgent(account);
  }

  async #issue(account: string, csr: Uint8Array): Promise<IssuedCredential> {
    const { store, authority, certificateMs, endsTls } = this.#options;
    if (!endsTls) {
      const token = newToken();
      await saveAgent(store, account, hashToken(token), null);
      return this.#answer(account, { token });
    }
    const signed = await authority.signAgent(account, csr, certificateMs);
    await saveAgent(store, account, null, {
      serial: signed.serial,
      endsAt: signed.endsAt,
      authority: authority.active,
    });
    return this.#answer(account, signed);
  }

  #answer(account: string, { certificate, token }: { certificate?: string; token?: string }): IssuedCredential {
    const { clock, hubAuthority } = this.#options;
    return {
      account,
      certificate: certificate ?? '',
      token: token ?? '',
      ca: hubAuthority() ?? '',
      serverTimeMs: clock.now(),
    };
  }
}

function fingerprint(publicKey: Uint8Array): string {
  return createHash('sha256').update(publicKey).digest('hex');
}

function noSuchAgent(account: string): SluiceError {
  return new SluiceError(
    'NO_SUCH_AGENT',
    `There is no agent ${account}, or it is revoked. List them with: sluice agents`,
  );
}
