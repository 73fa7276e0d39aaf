/** The port that agents dial: gRPC over TLS with client certificates, or in the clear on loopback and behind a proxy when asked for by name. */

import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { StatusObject, sendUnaryData } from '@grpc/grpc-js';
import type { CheckReply } from '../../protocol/gen/sluice/agent/v1/CheckReply.ts';
import type { IssuedCredential } from '../../protocol/gen/sluice/agent/v1/IssuedCredential.ts';
import { SluiceError, messageOf } from '../../shared/errors.ts';
import { SERVER_CHANNEL_OPTIONS, agentHubService } from '../../protocol/service.ts';
import type { CheckCall, EnrolCall, HubStream, RenewCall } from '../../protocol/service.ts';
import { isLoopback } from '../config.ts';
import type { Authority } from '../security/authority.ts';
import type { Hub } from './hub.ts';
import { HubCredentials } from './hub-credentials.ts';
import type { HubTls } from './hub-credentials.ts';
import type { OwnCertificate } from './own-certificate.ts';

export interface HubServerOptions {
  hub: Hub;
  /** Port 0: any free one. */
  address: { host: string; port: number };
  /** Undefined: no TLS; only on loopback, or where `behindProxy` says that something before it ends TLS. */
  authority: Authority | undefined;
  behindProxy?: boolean;
  /** Your own certificate instead of the authority's. */
  ownCertificate?: OwnCertificate | undefined;
}

export interface HubServer {
  port: number;
  /** Sends agents away and closes the port. */
  stop(): Promise<void>;
}

/** A moment for the last messages: GoAway is worth little if it does not arrive. */
const FAREWELL_MS = 500;

/** @throws SluiceError PLAINTEXT_NOT_LOOPBACK, ADDRESS_IN_USE. */
export async function startHubServer(options: HubServerOptions): Promise<HubServer> {
  const { hub, address, authority, behindProxy = false } = options;
  if (!authority && !behindProxy && !isLoopback(address.host)) {
    throw new SluiceError(
      'PLAINTEXT_NOT_LOOPBACK',
      `Without TLS agents are served on loopback only, not on ${address.host}. Leave SLUICE_AGENT_PLAINTEXT unset, or, where a proxy before it ends TLS, set SLUICE_AGENT_BEHIND_PROXY=1 too.`,
      { disposition: 'stalled' },
    );
  }
  const server = new Server(SERVER_CHANNEL_OPTIONS);
  server.addService(agentHubService, {
    Connect: (stream: HubStream) => void hub.connect(stream),
    Check: (call: CheckCall, answer: sendUnaryData<CheckReply>) => reply(hub.check(call), answer),
    Enrol: (call: EnrolCall, answer: sendUnaryData<IssuedCredential>) => reply(hub.enrol(call), answer),
    Renew: (call: RenewCall, answer: sendUnaryData<IssuedCredential>) => reply(hub.renew(call), answer),
  });
  const tls = authority && followTls(authority, options.ownCertificate);
  const port = await bind(server, address, tls?.credentials ?? ServerCredentials.createInsecure());
  return {
    port,
    async stop() {
      tls?.stop();
      await hub.stop();
      await shutDown(server);
    },
  };
}

/** What is presented and accepted follows the authority, and your own certificate. */
function followTls(
  authority: Authority,
  own: OwnCertificate | undefined,
): { credentials: HubCredentials; stop: () => void } {
  const current = (): HubTls => ({ server: own?.pair ?? authority.server, clientAuthorities: authority.ca });
  const credentials = new HubCredentials(current());
  const use = (): void => credentials.use(current());
  const stops = [authority.onChange(use), own?.onChange(use)];
  return { credentials, stop: () => stops.forEach((each) => each?.()) };
}

function reply<T>(reply: Promise<T>, answer: sendUnaryData<T>): void {
  void reply.then(
    (value) => answer(null, value),
    (error: unknown) => answer(statusOf(error)),
  );
}

/** A call that was refused says why itself. */
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
