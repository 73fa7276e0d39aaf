/** The port that agents dial: gRPC over TLS with client certificates, or in the clear on loopback when asked for by name. */

import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { StatusObject, sendUnaryData } from '@grpc/grpc-js';
import type { CheckReply } from '../../protocol/gen/sluice/agent/v1/CheckReply.ts';
import { SluiceError, messageOf } from '../../shared/errors.ts';
import { SERVER_CHANNEL_OPTIONS, agentHubService } from '../../protocol/service.ts';
import type { CheckCall, HubStream } from '../../protocol/service.ts';
import { isLoopback } from '../config.ts';
import type { Authority } from '../security/authority.ts';
import type { Hub } from './hub.ts';

export interface HubServerOptions {
  hub: Hub;
  /** Port 0: any free one. */
  address: { host: string; port: number };
  /** Undefined: no TLS; only on loopback. */
  authority: Authority | undefined;
}

export interface HubServer {
  port: number;
  /** Sends agents away and closes the port. */
  stop(): Promise<void>;
}

/** A moment for the last messages: GoAway is worth little if it does not arrive. */
const FAREWELL_MS = 500;

/** @throws SluiceError PLAINTEXT_NOT_LOOPBACK, ADDRESS_IN_USE. */
export async function startHubServer({ hub, address, authority }: HubServerOptions): Promise<HubServer> {
  if (!authority && !isLoopback(address.host)) {
    throw new SluiceError(
      'PLAINTEXT_NOT_LOOPBACK',
      `Without TLS agents are served on loopback only, not on ${address.host}. Leave SLUICE_AGENT_PLAINTEXT unset.`,
      { disposition: 'stalled' },
    );
  }
  const server = new Server(SERVER_CHANNEL_OPTIONS);
  server.addService(agentHubService, {
    Connect: (stream: HubStream) => void hub.connect(stream),
    Check: (call: CheckCall, answer: sendUnaryData<CheckReply>) =>
      void hub.check(call).then(
        (reply) => answer(null, reply),
        (error: unknown) => answer(statusOf(error)),
      ),
  });
  const port = await bind(server, address, authority ? tls(authority) : ServerCredentials.createInsecure());
  return {
    port,
    async stop() {
      await hub.stop();
      await shutDown(server);
    },
  };
}

function tls({ ca, server }: Authority): ServerCredentials {
  const pair = { private_key: Buffer.from(server.key), cert_chain: Buffer.from(server.certificate) };
  return ServerCredentials.createSsl(Buffer.from(ca), [pair], true);
}

/** Of a call that failed in a way it was not told to: the store's. */
function statusOf(error: unknown): Partial<StatusObject> {
  const { code, details } = error as Partial<StatusObject>;
  if (details !== undefined && typeof code === 'number') return { code, details };
  return { code: status.UNAVAILABLE, details: `The orchestrator cannot tell now: ${messageOf(error)}` };
}

function bind(
  server: Server,
  { host, port }: HubServerOptions['address'],
  credentials: ServerCredentials,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const name = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  server.bindAsync(name, credentials, (error, bound) => {
    if (!error) {
      resolve(bound);
      return;
    }
    reject(
      new SluiceError(
        'ADDRESS_IN_USE',
        `The agents' address ${name} cannot be served: ${messageOf(error)}. Free it, or set SLUICE_AGENT_ADDRESS.`,
        {
          disposition: 'stalled',
          cause: error,
        },
      ),
    );
  });
  return promise;
}

/** `tryShutdown` alone never completes while a stream is open (measured), so it is given a moment and then forced. */
async function shutDown(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, FAREWELL_MS);
  server.tryShutdown(() => resolve());
  await promise;
  clearTimeout(timer);
  server.forceShutdown();
}
