/** Serves agents that have no credential yet, or want its successor: how often they may ask, and what each refusal says. */

import { status } from '@grpc/grpc-js';
import type { IssuedCredential } from '../../protocol/gen/sluice/agent/v1/IssuedCredential.ts';
import type { EnrolCall, RenewCall } from '../../protocol/service.ts';
import type { Clock } from '../../shared/clock.ts';
import { SluiceError, codeOf, messageOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { draw } from '../../shared/token-bucket.ts';
import type { Bucket } from '../../shared/token-bucket.ts';
import type { Enrolment } from '../security/enrolment.ts';
import type { HubLimits } from './hub-limits.ts';
import { refusedCall } from './refused-call.ts';
import type { Identification } from './identify.ts';
import type { Sentinel } from './sentinel.ts';

export interface EnrolmentDeskOptions {
  enrolment: Enrolment;
  clock: Clock;
  log: Log;
  limits: HubLimits;
  sentinel: Sentinel;
  /** Who calls, and what is said to whom is nobody. */
  identify: (call: RenewCall) => Promise<Identification>;
  /** The account has another credential now. */
  replaced: (account: string, reason: string) => void;
}

/** A request of a P-256 key has about 200 bytes. */
const CSR_BYTES = 4096;

export class EnrolmentDesk {
  readonly #options: EnrolmentDeskOptions;
  #enrolments: Bucket | undefined;

  constructor(options: EnrolmentDeskOptions) {
    this.#options = options;
  }

  /** @throws what a gRPC call ends with. */
  async enrol(call: EnrolCall): Promise<IssuedCredential> {
    const { enrolment, clock, log, limits, sentinel, replaced } = this.#options;
    const { secret, csr, instanceId, agentVersion } = call.request;
    const { bucket, waitMs } = draw(this.#enrolments, limits.enrolments, clock.now());
    this.#enrolments = bucket;
    if (waitMs > 0) throw refusedCall(status.RESOURCE_EXHAUSTED, 'Too many agents enrol at once. Try again.');
    const peer = call.getPeer();
    const enrolled = await speaking(enrolment.enrol(secret, sized(csr), `${instanceId.slice(0, 64)} at ${peer}`));
    const { account } = enrolled;
    if ('credential' in enrolled) {
      replaced(enrolled.account, 'its agent was enrolled anew');
      log.info({ account, instance: instanceId, agent_version: agentVersion, peer }, 'agent enrolled');
      return enrolled.credential;
    }
    const { kind, message } = enrolled;
    log.warn({ account, peer, kind, reason: message }, 'join token refused');
    if (account !== undefined && kind === 'reused') sentinel.reused(account, message, peer);
    else sentinel.refused(account, message, peer);
    throw refusedCall(status.UNAUTHENTICATED, message);
  }

  /** @throws what a gRPC call ends with. */
  async renew(call: RenewCall): Promise<IssuedCredential> {
    const { enrolment, log, identify } = this.#options;
    const identification = await identify(call);
    if ('refused' in identification) throw refusedCall(status.UNAUTHENTICATED, identification.refused);
    const { account, serial } = identification;
    if (serial === undefined) {
      throw refusedCall(status.FAILED_PRECONDITION, 'A token is not renewed. Make another: sluice agents token NAME');
    }
    const credential = await speaking(enrolment.renew(account, serial, sized(call.request.csr)));
    log.info({ account, peer: call.getPeer() }, 'agent certificate renewed');
    return credential;
  }
}

function sized(csr: Uint8Array): Uint8Array {
  if (csr.byteLength > CSR_BYTES) throw refusedCall(status.INVALID_ARGUMENT, 'The certificate request is too large.');
  return csr;
}

/** Ours have a sentence for the agent; of others it only learns that it may come again. */
async function speaking<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof SluiceError)) {
      throw refusedCall(status.UNAVAILABLE, `The orchestrator cannot issue a credential now: ${messageOf(error)}`);
    }
    const isStale = codeOf(error) === 'NOT_CURRENT';
    throw refusedCall(isStale ? status.UNAUTHENTICATED : status.INVALID_ARGUMENT, error.message);
  }
}
