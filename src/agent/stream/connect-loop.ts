/** Keeps the agent connected: a fresh client for each attempt, always closed, and a wait that fits why the last session ended. */

import { Metadata, credentials as grpcCredentials } from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { pause } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { messageOf } from '../../shared/errors.ts';
import { AgentHubClient, CLIENT_CHANNEL_OPTIONS } from '../../protocol/service.ts';
import type { AgentStream } from '../../protocol/service.ts';
import type { AgentCredential } from '../credential.ts';
import { explainProxyFailure, isProxied } from './proxy.ts';
import type { Proxy } from './proxy.ts';
import { nextAttempt } from './session-end.ts';
import type { SessionEnd } from './session-end.ts';

export interface ConnectLoopOptions {
  /** Read anew for each attempt: a credential is renewed under a running agent. */
  readCredential: () => Promise<AgentCredential>;
  /** Wins over the credential's own. */
  server: string | undefined;
  /** The name the server's certificate is for, where it is not the host of the address. */
  serverName: string | undefined;
  plaintext: boolean;
  proxy: Proxy | undefined;
  /** The longest wait between two attempts. */
  reconnectMaxMs: number;
  /** A rollout is under way. */
  isUrgent: () => boolean;
  log: Log;
  random: () => number;
  /** Runs a session on a stream; resolves when it is over. */
  runSession: (stream: AgentStream) => Promise<SessionEnd>;
  /** Before each wait, with its length: the loop's own sign of life. */
  onWait: (delayMs: number, end: SessionEnd) => void;
}

/** Runs until `signal` aborts. Never rejects. */
export async function runConnectLoop(options: ConnectLoopOptions, signal: AbortSignal): Promise<void> {
  const { log, random, onWait } = options;
  let failures = 0;
  while (!signal.aborted) {
    const end = await attempt(options);
    // The session was told to stop, and so are we.
    if (signal.aborted) return;
    const next = nextAttempt(end, failures, random, {
      mostMs: options.reconnectMaxMs,
      isUrgent: options.isUrgent(),
    });
    // One line for an outage, not one for each attempt in it.
    const fields = { ...end, attempt: failures, next_retry_ms: next.delayMs };
    if (failures === 0 || end.welcomedForMs !== undefined || end.kind === 'refused') log.warn(fields, 'session ended');
    else log.debug(fields, 'connect failed');
    failures = next.failures;
    onWait(next.delayMs, end);
    await pause(next.delayMs, signal);
  }
}

async function attempt(options: ConnectLoopOptions): Promise<SessionEnd> {
  let client: AgentHubClient | undefined;
  try {
    const credential = await options.readCredential();
    const metadata = new Metadata();
    if (credential.token !== undefined) metadata.set('authorization', `Bearer ${credential.token}`);
    const server = options.server ?? credential.server ?? '';
    client = new AgentHubClient(server, channelCredentials(credential, options), channelOptions(options, server));
    return await explained(await options.runSession(client.Connect(metadata)), options.proxy, server);
  } catch (error) {
    return { kind: 'lost', code: 'CREDENTIAL', message: messageOf(error) };
  } finally {
    // Not closed, each client keeps 23 KB.
    client?.close();
  }
}

/** Where a proxy lies between, it is asked why: grpc-js only says that there is no connection. */
async function explained(end: SessionEnd, proxy: Proxy | undefined, server: string): Promise<SessionEnd> {
  if (end.kind !== 'lost' || end.code !== 'UNAVAILABLE' || end.welcomedForMs !== undefined) return end;
  if (!isProxied(proxy, server)) return end;
  const why = await explainProxyFailure(proxy, server);
  return why === undefined ? end : { ...end, code: 'PROXY', message: `No way to ${server}: ${why}` };
}

function channelOptions({ serverName, proxy }: ConnectLoopOptions, server: string): ChannelOptions {
  return {
    ...CLIENT_CHANNEL_OPTIONS,
    'grpc.enable_http_proxy': isProxied(proxy, server) ? 1 : 0,
    ...(serverName !== undefined && {
      'grpc.ssl_target_name_override': serverName,
      'grpc.default_authority': serverName,
    }),
  };
}

function channelCredentials(credential: AgentCredential, { plaintext }: ConnectLoopOptions): ChannelCredentials {
  if (plaintext) return grpcCredentials.createInsecure();
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return grpcCredentials.createSsl(pem(credential.ca), pem(credential.key), pem(credential.certificate));
}
