/** Keeps the agent's credential in its own Secret: enrols with a join token, renews in time, takes up new authorities. */

import { X509Certificate, createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../shared/clock.ts';
import { SluiceError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Holds } from '../../protocol/gen/sluice/agent/v1/Holds.ts';
import type { IssuedCredential__Output } from '../../protocol/gen/sluice/agent/v1/IssuedCredential.ts';
import type { Trust__Output } from '../../protocol/gen/sluice/agent/v1/Trust.ts';
import { decodeJoinToken } from '../../protocol/join-token.ts';
import type { JoinToken } from '../../protocol/join-token.ts';
import type { AgentCredential } from '../credential.ts';
import type { ChannelTarget } from '../stream/channel.ts';
import { askToEnrol, askToRenew } from './ask-hub.ts';
import type { CredentialSecret, Kept, KeptCredential } from './credential-secret.ts';
import { newKey, requestFor } from './key-request.ts';
import { planCredential } from './plan-credential.ts';
import { renewalDueMs, renewalRetryMs } from './renewal.ts';
import type { Life } from './renewal.ts';

export interface CredentialKeeperOptions {
  secret: CredentialSecret;
  /** Holds the join token; undefined, missing or empty: none was given. */
  joinTokenFile: string | undefined;
  /** How the hub is reached, but for its address. */
  way: Omit<ChannelTarget, 'server'>;
  /** Wins over the address in join token and credential. */
  server: string | undefined;
  instanceId: string;
  agentVersion: string;
  clock: Clock;
  /** The orchestrator's clock as far as it is known, in milliseconds since the epoch. */
  hubNow: () => number;
  random: () => number;
  log: Log;
  /** What is stored has changed: to be told in the session that runs. */
  onHolds: (holds: Holds) => void;
}

/** With a credential in memory, an API server that is slow to answer holds up no connection to the orchestrator. */
const READ_MS = 2_000;
/** Whatever the clocks say, no certificate is renewed more often. */
const LEAST_MS = 500;
/** The longest a timer can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class CredentialKeeper {
  readonly #options: CredentialKeeperOptions;
  #memory: KeptCredential | undefined;
  #joinToken: JoinToken | undefined;
  #refusedTokenId: string | undefined;
  /** One deed at a time: each rests on what the one before has stored. */
  #last: Promise<unknown> = Promise.resolve();
  #cancelTimer: () => void = () => {};
  /** How far the hub's clock was ahead of ours when it last issued something. */
  #skewMs: number | undefined;
  #isStopped = false;

  constructor(options: CredentialKeeperOptions) {
    this.#options = options;
  }

  /** The credential to connect with. @throws SluiceError SECRET, JOIN_TOKEN, CREDENTIAL, UNAVAILABLE: one sentence on what is to be done. */
  current(): Promise<AgentCredential> {
    return this.#inTurn(() => this.#acquire());
  }

  /** What is known without asking anybody, for whoever looks why there is no connection. */
  get atHand(): AgentCredential | undefined {
    if (this.#memory) return this.#memory;
    if (!this.#joinToken) return undefined;
    const { account, server, ca } = this.#joinToken;
    return { account, server, ...(ca !== undefined && { ca }) };
  }

  /** The hub says whom to trust from now on. */
  trust({ ca, renew, spreadMs }: Trust__Output): void {
    void this.#inTurn(async () => {
      const known = this.#memory;
      if (!known) return;
      if ((known.ca ?? '') !== ca) {
        await this.#keep({ ...withoutAuthority(known), ...(ca !== '' && { ca }) });
        this.#options.log.info({}, 'certificate authorities stored');
      }
      this.#tellHolds();
      if (renew) this.#arm(this.#options.random() * spreadMs);
    }).catch((err: unknown) => this.#options.log.warn({ err }, 'certificate authorities could not be stored'));
  }

  /** Nothing is renewed any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer();
    await this.#last;
  }

  async #acquire(): Promise<AgentCredential> {
    const { log } = this.#options;
    const kept = await this.#read();
    const joinToken = await this.#readJoinToken();
    const plan = planCredential({
      stored: kept.credential,
      memory: this.#memory,
      tokenId: joinToken?.id,
      refusedTokenId: this.#refusedTokenId,
    });
    switch (plan.kind) {
      case 'none':
        throw new SluiceError(
          'CREDENTIAL',
          'The agent has no credential and no join token. Make one with `sluice agents add NAME`, and give it to the chart as enrol.token.',
          { disposition: 'stalled' },
        );
      case 'use':
        return this.#use(plan.credential);
      case 'restore':
        await this.#restore(plan.credential);
        return this.#use(plan.credential);
      case 'enrol':
        try {
          return await this.#enrol(kept, joinToken);
        } catch (error) {
          if (!plan.otherwise) throw error;
          if (error instanceof SluiceError && error.code === 'JOIN_TOKEN') this.#refusedTokenId = joinToken?.id;
          log.warn({ err: error }, 'not enrolled anew: the credential before is used');
          return this.#use(plan.otherwise);
        }
    }
  }

  /** What cannot be read now was read before. */
  async #read(): Promise<Kept> {
    try {
      return await this.#options.secret.read(this.#memory && AbortSignal.timeout(READ_MS));
    } catch (error) {
      if (!this.#memory) throw error;
      this.#options.log.debug({ err: error }, 'Secret cannot be read: the credential in memory is used');
      return { credential: this.#memory };
    }
  }

  async #restore(credential: KeptCredential): Promise<void> {
    const { secret, log } = this.#options;
    try {
      await secret.write({ credential });
      log.warn({}, 'Secret was gone or empty: the credential was written again');
    } catch (err) {
      log.error({ err }, 'Secret is gone, and the credential could not be written: it ends with this process');
    }
  }

  async #enrol(kept: Kept, joinToken: (JoinToken & { id: string }) | undefined): Promise<AgentCredential> {
    if (!joinToken) throw new SluiceError('JOIN_TOKEN', 'There is no join token.', { disposition: 'stalled' });
    const { secret, log, instanceId, agentVersion } = this.#options;
    // Stored before it is used: if we end between the answer and its Secret, the next process asks again with the same key.
    const isBegun = kept.pending?.tokenId === joinToken.id;
    const pending = isBegun && kept.pending ? kept.pending : { key: await newKey(), tokenId: joinToken.id };
    if (!isBegun) await secret.write({ credential: kept.credential, pending });
    const issued = await askToEnrol(this.#askAt(joinToken), {
      secret: joinToken.secret,
      csr: requestFor(pending.key),
      instanceId,
      agentVersion,
    });
    this.#skewMs = issued.serverTimeMs - this.#options.clock.now();
    const credential = keptOf(issued, pending.key, { server: joinToken.server, enrolledWith: joinToken.id });
    await this.#keep(credential);
    log.info({ account: credential.account, not_after: endOf(credential) }, 'agent enrolled');
    return this.#use(credential);
  }

  #use(credential: KeptCredential): AgentCredential {
    this.#memory = credential;
    this.#schedule();
    return credential;
  }

  /** Stored first: what is not stored is not used, since the next process would not have it. */
  async #keep(credential: KeptCredential): Promise<void> {
    await this.#options.secret.write({ credential });
    this.#memory = credential;
  }

  #schedule(): void {
    const life = lifeOf(this.#memory);
    if (!life) return;
    const dueInMs = renewalDueMs(life, this.#options.random) - this.#hubNow();
    this.#arm(Math.max(LEAST_MS, dueInMs));
  }

  #hubNow(): number {
    const { clock, hubNow } = this.#options;
    return this.#skewMs === undefined ? hubNow() : clock.now() + this.#skewMs;
  }

  #arm(delayMs: number): void {
    this.#cancelTimer();
    if (this.#isStopped) return;
    const { clock } = this.#options;
    const waitMs = Math.max(0, delayMs);
    this.#cancelTimer =
      waitMs > LONGEST_TIMER_MS
        ? clock.after(LONGEST_TIMER_MS, () => this.#arm(delayMs - LONGEST_TIMER_MS))
        : clock.after(waitMs, () => void this.#inTurn(() => this.#renew()));
  }

  /** Never rejects. */
  async #renew(): Promise<void> {
    const { log, random } = this.#options;
    const known = this.#memory;
    const life = lifeOf(known);
    if (this.#isStopped || !known || !life) return;
    try {
      const key = await newKey();
      const issued = await askToRenew(this.#askAt(known), requestFor(key));
      this.#skewMs = issued.serverTimeMs - this.#options.clock.now();
      const { server, enrolledWith } = known;
      await this.#keep(keptOf(issued, key, { server, enrolledWith }));
      log.info({ account: issued.account, not_after: endOf(this.#memory) }, 'certificate renewed');
      this.#tellHolds();
      this.#schedule();
    } catch (err) {
      const delayMs = renewalRetryMs(life, this.#hubNow(), random);
      log.warn(
        { err, not_after: endOf(known), next_retry_ms: Math.round(delayMs) },
        'certificate could not be renewed yet',
      );
      this.#arm(delayMs);
    }
  }

  #askAt(at: Pick<AgentCredential, 'server' | 'ca' | 'certificate' | 'key'>): Parameters<typeof askToRenew>[0] {
    const { way, server } = this.#options;
    const { ca, certificate, key } = at;
    return { target: { ...way, server: server ?? at.server ?? '' }, material: { ca, certificate, key } };
  }

  #tellHolds(): void {
    if (!this.#memory) return;
    const { ca = '', certificate } = this.#memory;
    const authorities = (ca.match(PEM) ?? []).map(fingerprintOf);
    const serial = certificate === undefined ? '' : serialOf(certificate);
    this.#options.onHolds({ authorities, serial });
  }

  async #readJoinToken(): Promise<(JoinToken & { id: string }) | undefined> {
    const { joinTokenFile } = this.#options;
    if (joinTokenFile === undefined) return undefined;
    const text = await readFile(joinTokenFile, 'utf8').catch(() => '');
    if (text.trim() === '') return undefined;
    this.#joinToken = decodeJoinToken(text);
    return { ...this.#joinToken, id: createHash('sha256').update(text.trim()).digest('hex').slice(0, 16) };
  }

  #inTurn<T>(deed: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(deed);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function keptOf(
  { account, certificate, token, ca, serverTimeMs }: IssuedCredential__Output,
  key: string,
  more: Pick<KeptCredential, 'server' | 'enrolledWith'>,
): KeptCredential {
  const proof = certificate === '' ? { token } : { certificate, key, issuedAtMs: serverTimeMs };
  return { account, ...more, ...(ca !== '' && { ca }), ...proof };
}

function withoutAuthority({ ca: _ca, ...rest }: KeptCredential): KeptCredential {
  return rest;
}

function lifeOf(credential: KeptCredential | undefined): Life | undefined {
  if (credential?.certificate === undefined) return undefined;
  const { validFromDate, validToDate } = new X509Certificate(credential.certificate);
  return { issuedAtMs: credential.issuedAtMs ?? validFromDate.getTime(), endsAtMs: validToDate.getTime() };
}

function endOf(credential: KeptCredential | undefined): string | undefined {
  const life = lifeOf(credential);
  return life && new Date(life.endsAtMs).toISOString();
}

function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** As the hub writes it. */
function serialOf(pem: string): string {
  return new X509Certificate(pem).serialNumber.toLowerCase().replace(/^0+/, '');
}
