/** Who gets in: how often agents may knock, whose credential counts, and what is said to whom is turned away. */

import { status } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { Hello__Output } from '../../protocol/gen/sluice/agent/v1/Hello.ts';
import { LIMITS, encodeHubMessage } from '../../protocol/service.ts';
import type { CheckCall, HubStream } from '../../protocol/service.ts';
import type { Store } from '../store/store.ts';
import { admit } from './admission.ts';
import type { Terms } from './admission.ts';
import { firstHello } from './first-hello.ts';
import { NO_HANDSHAKES, giveTurn, knock } from './handshakes.ts';
import type { HubLimits } from './hub-limits.ts';
import type { HubObserver } from './hub-observer.ts';
import { identify, presentedBy } from './identify.ts';
import type { Identification, Presented } from './identify.ts';
import { RefusalLog } from './refusal-log.ts';
import type { Refusal } from './refusal.ts';
import { refusedCall } from './refused-call.ts';
import type { Sentinel } from './sentinel.ts';
import { draw } from '../../shared/token-bucket.ts';
import type { Bucket } from '../../shared/token-bucket.ts';

export interface ReceptionOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** Uniform in [0, 1). */
  random: () => number;
  limits: HubLimits;
  sentinel: Sentinel;
  observer?: HubObserver | undefined;
}

/** An agent that may begin a session. */
export interface Guest {
  account: string;
  hello: Hello__Output;
  terms: Terms;
  /** Where it calls from. */
  peer: string;
  /** Of the certificate that it presented. */
  serial: string | undefined;
}

export class Reception {
  readonly #options: ReceptionOptions;
  readonly #refusals: RefusalLog;
  #handshakes = NO_HANDSHAKES;
  /** By the name in the certificate: TLS has found that it is one of ours. */
  readonly #handshakesOf = new Map<string, Bucket>();
  /** By account. */
  readonly #sessions = new Map<string, Bucket>();

  constructor(options: ReceptionOptions) {
    this.#options = options;
    this.#refusals = new RefusalLog(options.log, options.clock);
  }

  /** Hears who comes. @returns undefined if it was turned away, and told why. @throws what the store throws. */
  async receive(stream: HubStream): Promise<Guest | undefined> {
    const peer = stream.getPeer();
    const presented = presentedBy(stream, this.#options.clock.now());
    const crowd = this.#crowd(presented);
    if (crowd) {
      this.refuse(stream, undefined, crowd);
      return undefined;
    }
    const identification = await this.#identify(presented, peer);
    if ('refused' in identification) {
      stream.emit('error', { code: status.UNAUTHENTICATED, details: identification.refused });
      return undefined;
    }
    const { account, serial } = identification;
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
    else this.#refusals.admitted(account);
    return refusal || 'refused' in admission ? undefined : { account, hello, terms: admission.terms, peer, serial };
  }

  /** As `receive`, of one who only asks: no session begins, so none is counted. @throws what a gRPC call ends with; what the store throws. */
  async check(call: CheckCall): Promise<{ account: string; terms: Terms }> {
    const identification = await this.identify(call);
    if ('refused' in identification) throw refusedCall(status.UNAUTHENTICATED, identification.refused);
    const admission = admit(call.request);
    if ('refused' in admission) throw refusedCall(status.FAILED_PRECONDITION, admission.refused);
    return { account: identification.account, terms: admission.terms };
  }

  /** Who makes a call of its own. @throws what a gRPC call ends with; what the store throws. */
  async identify(call: Pick<CheckCall, 'getAuthContext' | 'metadata' | 'getPeer'>): Promise<Identification> {
    const presented = presentedBy(call, this.#options.clock.now());
    const crowd = this.#crowd(presented);
    if (crowd) throw refusedCall(status.RESOURCE_EXHAUSTED, crowd.message);
    return this.#identify(presented, call.getPeer());
  }

  /** Turns an agent away, in a way that it understands. */
  refuse(stream: HubStream, account: string | undefined, refused: Refusal): void {
    const { code, message: reason } = refused;
    this.#refusals.refused({ account, peer: stream.getPeer(), code, reason });
    stream.write(encodeHubMessage({ body: 'refused', refused }));
    stream.end();
  }

  /** Turns an agent away for a fault of ours: its next turn is given as if too many came, or all would try again together. */
  postpone(stream: HubStream, message: string): void {
    const { clock, random, limits } = this.#options;
    const { handshakes, retryAfterMs } = giveTurn(this.#handshakes, limits, clock.now(), random);
    this.#handshakes = handshakes;
    this.refuse(stream, undefined, { code: 'RETRY', message, retryAfterMs });
  }

  /** Before any look into the database: when all come back at once, it is what has to be spared. */
  #crowd({ certificate, lacking }: Presented): Refusal | undefined {
    const { clock, random, limits } = this.#options;
    // Who has no certificate of ours is turned away without a look into the database, and takes no agent's place.
    if (lacking !== undefined) return undefined;
    const certificateName = certificate?.commonName;
    if (certificateName !== undefined) {
      const own = draw(this.#handshakesOf.get(certificateName), limits.handshakesOfOne, clock.now());
      this.#handshakesOf.set(certificateName, own.bucket);
      if (own.waitMs > 0) return { code: 'RETRY', message: 'The agent comes too often.', retryAfterMs: own.waitMs };
    }
    const { handshakes, retryAfterMs } = knock(this.#handshakes, limits, clock.now(), random);
    this.#handshakes = handshakes;
    if (retryAfterMs === 0) return undefined;
    return { code: 'RETRY', message: 'Too many agents come at once.', retryAfterMs };
  }

  async #identify(presented: Presented, peer: string): Promise<Identification> {
    const { store, sentinel } = this.#options;
    const identification = await identify(store, presented);
    if ('refused' in identification) {
      const { refused: reason, of } = identification;
      this.#refusals.refused({ account: of, peer, code: 'UNAUTHENTICATED', reason });
      this.#options.observer?.refused('UNAUTHENTICATED');
      sentinel.refused(of, reason, peer);
    }
    return identification;
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
