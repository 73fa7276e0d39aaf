/** Who gets in: how often agents may knock, whose credential counts, and what is said to whom is turned away. */

import { status } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { Hello__Output } from '../../protocol/gen/sluice/agent/v1/Hello.ts';
import { LIMITS, encodeHubMessage } from '../../protocol/service.ts';
import type { HubStream } from '../../protocol/service.ts';
import type { Store } from '../store/store.ts';
import { admit } from './admission.ts';
import type { Terms } from './admission.ts';
import { firstHello } from './first-hello.ts';
import type { HubLimits } from './hub-limits.ts';
import { identify, presentedBy } from './identify.ts';
import type { Presented } from './identify.ts';
import type { Sentinel } from './sentinel.ts';
import { draw } from './token-bucket.ts';
import type { Bucket } from './token-bucket.ts';

export interface ReceptionOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** Uniform in [0, 1). */
  random: () => number;
  limits: HubLimits;
  sentinel: Sentinel;
}

/** An agent that may begin a session. */
export interface Guest {
  account: string;
  hello: Hello__Output;
  terms: Terms;
  /** Where it calls from. */
  peer: string;
}

export interface Refusal {
  code: 'VERSION' | 'FENCED' | 'RETRY' | 'UNAUTHENTICATED' | 'LIMIT';
  message: string;
  /** 0: the agent's own schedule. */
  retryAfterMs: number;
}

export class Reception {
  readonly #options: ReceptionOptions;
  #handshakes: Bucket | undefined;
  /** By the name in the certificate: TLS has found that it is one of ours. */
  readonly #handshakesOf = new Map<string, Bucket>();
  /** By account. */
  readonly #sessions = new Map<string, Bucket>();

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Hears who comes. @returns undefined if it was turned away, and told why. @throws what the store throws. */
  async receive(stream: HubStream): Promise<Guest | undefined> {
    const peer = stream.getPeer();
    const presented = presentedBy(stream);
    const crowd = this.#crowd(presented.certificate?.commonName);
    if (crowd) {
      this.refuse(stream, undefined, crowd);
      return undefined;
    }
    const account = await this.#identified(stream, presented, peer);
    if (account === undefined) return undefined;
    const hello = await firstHello(stream, LIMITS.welcomeTimeoutMs);
    if (!hello) {
      stream.emit('error', { code: status.INVALID_ARGUMENT, details: 'The first message of a session is Hello.' });
      return undefined;
    }
    const admission = admit(hello);
    const refusal =
      'refused' in admission
        ? { code: admission.code, message: admission.refused, retryAfterMs: 0 }
        : this.#flood(account, peer);
    if (refusal) this.refuse(stream, account, refusal);
    return refusal || 'refused' in admission ? undefined : { account, hello, terms: admission.terms, peer };
  }

  /** Turns an agent away, in a way that it understands. */
  refuse(stream: HubStream, account: string | undefined, refused: Refusal): void {
    const { code, message: reason } = refused;
    this.#options.log.warn({ account, peer: stream.getPeer(), code, reason }, 'agent refused');
    stream.write(encodeHubMessage({ body: 'refused', refused }));
    stream.end();
  }

  /** Before any look into the database: when all come back at once, it is what has to be spared. */
  #crowd(certificateName: string | undefined): Refusal | undefined {
    const { clock, random, limits } = this.#options;
    if (certificateName !== undefined) {
      const own = draw(this.#handshakesOf.get(certificateName), limits.handshakesOfOne, clock.now());
      this.#handshakesOf.set(certificateName, own.bucket);
      if (own.waitMs > 0) return { code: 'RETRY', message: 'The agent comes too often.', retryAfterMs: own.waitMs };
    }
    const { bucket, waitMs } = draw(this.#handshakes, limits.handshakes, clock.now());
    this.#handshakes = bucket;
    if (waitMs === 0) return undefined;
    const retryAfterMs = waitMs + Math.ceil(random() * limits.handshakeSpreadMs);
    return { code: 'RETRY', message: 'Too many agents come at once.', retryAfterMs };
  }

  async #identified(stream: HubStream, presented: Presented, peer: string): Promise<string | undefined> {
    const { store, log, sentinel } = this.#options;
    const identification = await identify(store, presented);
    if ('account' in identification) return identification.account;
    const { refused: reason, of } = identification;
    log.warn({ peer, reason }, 'agent refused');
    sentinel.refused(of, reason, peer);
    stream.emit('error', { code: status.UNAUTHENTICATED, details: reason });
    return undefined;
  }

  #flood(account: string, peer: string): Refusal | undefined {
    const { clock, limits, sentinel } = this.#options;
    const { bucket, waitMs } = draw(this.#sessions.get(account), limits.sessions, clock.now());
    this.#sessions.set(account, bucket);
    if (waitMs === 0) return undefined;
    sentinel.flooded(account, peer);
    return { code: 'LIMIT', message: `${account} begins sessions too often.`, retryAfterMs: waitMs };
  }
}
