/** Asks the hub for a credential, on a connection of its own: once with a join token, then with the certificate that ends. */

import { Metadata, status } from '@grpc/grpc-js';
import type { CallOptions, ServiceError } from '@grpc/grpc-js';
import type { IssuedCredential__Output } from '../../protocol/gen/sluice/agent/v1/IssuedCredential.ts';
import type { AgentHubClient } from '../../protocol/service.ts';
import { SluiceError } from '../../shared/errors.ts';
import { openHubClient } from '../stream/channel.ts';
import type { ChannelMaterial, ChannelTarget } from '../stream/channel.ts';

export interface Ask {
  /** How the hub is reached. */
  target: ChannelTarget;
  material: ChannelMaterial;
}

const ANSWER_MS = 20_000;

/** @throws SluiceError JOIN_TOKEN (the hub refuses it: a person has to act), UNAVAILABLE (it may be asked again). */
export function askToEnrol(
  ask: Ask,
  request: { secret: string; csr: Buffer; instanceId: string; agentVersion: string },
): Promise<IssuedCredential__Output> {
  return answer(ask, 'JOIN_TOKEN', (client, ...rest) => client.Enrol(request, ...rest));
}

/** @throws SluiceError CREDENTIAL (the certificate counts no longer), UNAVAILABLE. */
export function askToRenew(ask: Ask, csr: Buffer): Promise<IssuedCredential__Output> {
  return answer(ask, 'CREDENTIAL', (client, ...rest) => client.Renew({ csr }, ...rest));
}

type Callback = (error: ServiceError | null, reply?: IssuedCredential__Output) => void;
type Call = (client: AgentHubClient, metadata: Metadata, options: CallOptions, callback: Callback) => unknown;

async function answer(
  { target, material }: Ask,
  refusedAs: 'JOIN_TOKEN' | 'CREDENTIAL',
  call: Call,
): Promise<IssuedCredential__Output> {
  const client = openHubClient(target, material);
  const { promise, resolve, reject } = Promise.withResolvers<IssuedCredential__Output>();
  try {
    call(client, new Metadata(), { deadline: Date.now() + ANSWER_MS }, (error, reply) => {
      if (reply) resolve(reply);
      else reject(error ?? new Error('neither reply nor error'));
    });
    return await promise;
  } catch (cause) {
    throw faultOf(cause as Partial<ServiceError>, refusedAs, target.server);
  } finally {
    client.close();
  }
}

function faultOf(cause: Partial<ServiceError>, refusedAs: 'JOIN_TOKEN' | 'CREDENTIAL', server: string): SluiceError {
  const { code, details = '' } = cause;
  if (code === status.UNAUTHENTICATED) return new SluiceError(refusedAs, details, { disposition: 'stalled', cause });
  if (code === status.UNIMPLEMENTED) {
    const message = `The orchestrator at ${server} enrols no agents: upgrade it, or give the agent a credential of \`sluice agents add NAME --out FILE\`.`;
    return new SluiceError(refusedAs, message, { disposition: 'stalled', cause });
  }
  const message = `The orchestrator at ${server} gives no credential now: ${details || 'no answer'}`;
  return new SluiceError('UNAVAILABLE', message, { disposition: 'retry', cause });
}
