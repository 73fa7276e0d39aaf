/** Keeps the agent connected: a fresh client for each attempt, always closed, and a wait that fits why the last session ended. */

import { Metadata } from '@grpc/grpc-js';
import { pause } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { SluiceError, messageOf } from '../../shared/errors.ts';
import type { AgentHubClient, AgentStream } from '../../protocol/service.ts';
import type { AgentCredential } from '../credential.ts';
import type { Diagnosis } from './cause.ts';
import { openHubClient } from './channel.ts';
import { diagnoseConnection } from './diagnose.ts';
import { nextAttempt } from './next-attempt.ts';
import type { Losses } from './next-attempt.ts';
import { Outage } from './outage.ts';
import type { Absence, Trouble } from './outage.ts';
import type { Proxy } from './proxy.ts';
import type { SessionEnd } from './session-end.ts';

export interface ConnectLoopOptions {
  /** Read anew for each attempt: a credential is renewed under a running agent. */
  readCredential: () => Promise<AgentCredential>;
  /** What is known of it without asking anybody. */
  credentialAtHand: () => AgentCredential | undefined;
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
  now: () => number;
  random: () => number;
  /** Runs a session on a stream; resolves when it is over. @param begun to be called at Welcome: how long there was none. */
  runSession: (stream: AgentStream, begun: () => Absence | undefined) => Promise<SessionEnd>;
  /** Before each wait, with its length: the loop's own sign of life. */
  onWait: (delayMs: number, end: SessionEnd) => void;
  /** Why there is no session, as far as it is known. */
  onTrouble: (trouble: Trouble) => void;
}

/** Without an answer for so long, something is wrong; the attempt itself waits for four times as long. */
const SLOW_MS = 5000;

/** Runs until `signal` aborts. Never rejects. */
export async function runConnectLoop(options: ConnectLoopOptions, signal: AbortSignal): Promise<void> {
  const { log, now, random, onWait, onTrouble } = options;
  const outage = new Outage({ log, now, onTrouble, diagnose: (stop) => diagnose(options, stop) });
  let losses: Losses | undefined;
  while (!signal.aborted) {
    const end = await attempt(options, outage, signal);
    // The session was told to stop, and so are we.
    if (signal.aborted) break;
    const [nowMs, isUrgent] = [now(), options.isUrgent()];
    const next = nextAttempt(end, losses, { nowMs, random, mostMs: options.reconnectMaxMs, isUrgent });
    losses = next.losses;
    outage.ended(end, next.delayMs);
    onWait(next.delayMs, end);
    await pause(next.delayMs, signal);
  }
  await outage.stop();
}

async function attempt(options: ConnectLoopOptions, outage: Outage, signal: AbortSignal): Promise<SessionEnd> {
  let client: AgentHubClient | undefined;
  const answered = new AbortController();
  try {
    const credential = await options.readCredential();
    // Told to stop meanwhile, when there was no session to close: one that began now would never end.
    if (signal.aborted) return { kind: 'stopped' };
    const metadata = new Metadata();
    if (credential.token !== undefined) metadata.set('authorization', `Bearer ${credential.token}`);
    const server = serverOf(credential, options);
    const { serverName, plaintext, proxy } = options;
    client = openHubClient({ server, serverName, plaintext, proxy }, credential);
    void pause(SLOW_MS, answered.signal).then(() => answered.signal.aborted || outage.slow());
    return await options.runSession(client.Connect(metadata), () => {
      answered.abort();
      return outage.over();
    });
  } catch (error) {
    // What may be asked again is a connection's fault like any other; what is not, a person has to put right.
    const isPassing = error instanceof SluiceError && error.disposition === 'retry';
    return { kind: 'lost', code: isPassing ? 'UNAVAILABLE' : 'CREDENTIAL', message: messageOf(error) };
  } finally {
    answered.abort();
    // Not closed, each client keeps 23 KB.
    client?.close();
  }
}

async function diagnose(options: ConnectLoopOptions, signal: AbortSignal): Promise<Diagnosis | undefined> {
  const credential = options.credentialAtHand() ?? (await options.readCredential());
  const { serverName, plaintext, proxy, now } = options;
  const { ca, certificate, key } = credential;
  const target = { server: serverOf(credential, options), serverName, plaintext, proxy, ca, certificate, key };
  return diagnoseConnection(target, { signal, nowMs: now() });
}

function serverOf(credential: AgentCredential, { server }: ConnectLoopOptions): string {
  return server ?? credential.server ?? '';
}
