/** The agent's side of the link: with the credential of the moment, session after session, until it is told to stop. */

import { randomUUID } from 'node:crypto';
import type { Hello } from '../protocol/gen/sluice/agent/v1/Hello.ts';
import type { Holds } from '../protocol/gen/sluice/agent/v1/Holds.ts';
import type { Welcome__Output } from '../protocol/gen/sluice/agent/v1/Welcome.ts';
import { OPERATION_KINDS } from '../protocol/operation-codec.ts';
import { encodeMissingRights } from '../protocol/missing-rights.ts';
import { encodeState } from '../protocol/status-codec.ts';
import { LIMITS, PROTOCOL_MAX, PROTOCOL_MIN } from '../protocol/service.ts';
import type { AgentStream } from '../protocol/service.ts';
import packageJson from '../../package.json' with { type: 'json' };
import type { AgentConfig } from './config.ts';
import { notAfterMsOf } from './credential.ts';
import { openCredentials } from './enrol/open-credentials.ts';
import type { Parts } from './parts.ts';
import { runConnectLoop } from './stream/connect-loop.ts';
import type { ConnectLoopOptions } from './stream/connect-loop.ts';
import { Session } from './stream/session.ts';

/** Nothing depends on it, but a clock so wrong breaks certificates and confuses who reads two logs. */
const SKEW_WORTH_TELLING_MS = 30_000;

type Credentials = ReturnType<typeof openCredentials>;
type Begun = Parameters<ConnectLoopOptions['runSession']>[1];

export interface Link {
  /** Ends the session and the loop; resolves when both are over. */
  stop(): Promise<void>;
}

/** @param hello what it says of itself instead of what it is (tests). */
export function startLink(config: AgentConfig, parts: Parts, hello: Hello | undefined): Link {
  const { log, clock, random, status, health, live, metrics, watchdog } = parts;
  const instanceId = randomUUID();
  const credentials = openLinkCredentials(config, parts, instanceId);
  const { server, serverName, plaintext, proxy, reconnectMaxMs } = config;
  const stop = new AbortController();
  const loop = runConnectLoop(
    {
      readCredential: async () => {
        const credential = await credentials.current();
        status.account = credential.account;
        status.credentialNotAfterMs = notAfterMsOf(credential);
        return credential;
      },
      credentialAtHand: () => credentials.atHand,
      server,
      serverName,
      plaintext,
      proxy,
      reconnectMaxMs,
      isUrgent: () => Object.keys(health.versions()).length > 0,
      log,
      now: () => clock.now(),
      random,
      onWait: (delayMs, end) => {
        watchdog.expect(delayMs);
        metrics.sessionEnded(end);
      },
      onTrouble: ({ message: lastError, cause, hint }) => Object.assign(status, { lastError, cause, hint }),
      runSession: async (stream, begun) => {
        watchdog.expect(LIMITS.welcomeTimeoutMs);
        const said = { ...helloOf(instanceId, config, parts), ...hello };
        live.session = openSession(parts, credentials, { stream, hello: said, begun });
        const end = await live.session.ended;
        live.session = undefined;
        status.connected = false;
        return end;
      },
    },
    stop.signal,
  );
  return {
    stop: async () => {
      stop.abort();
      live.session?.close();
      await loop;
      await credentials.stop();
    },
  };
}

function openLinkCredentials(config: AgentConfig, parts: Parts, instanceId: string): Credentials {
  const { api, clock, random, log, status, dispatcher, live } = parts;
  const hubNow = (): number => dispatcher.now();
  const onHolds = (holds: Holds): void => {
    status.credentialNotAfterMs = credentials.atHand ? notAfterMsOf(credentials.atHand) : null;
    live.session?.holds(holds);
  };
  const agentVersion = packageJson.version;
  const credentials = openCredentials(config, { api, clock, hubNow, random, log, instanceId, agentVersion, onHolds });
  return credentials;
}

function openSession(
  parts: Parts,
  credentials: Credentials,
  { stream, hello, begun }: { stream: AgentStream; hello: Hello; begun: Begun },
): Session {
  const { log, clock, status, health, guards, dispatcher, watchdog } = parts;
  return new Session({
    stream,
    hello,
    dispatcher,
    health,
    clock,
    log,
    onTrust: (trust) => credentials.trust?.(trust),
    onWelcome: (welcome) => welcomed(parts, welcome, begun),
    onAlive: () => {
      status.lastHubMessageMs = clock.now();
      // One that refuses us, or is none, steers nothing.
      if (status.connected) guards.contact();
      watchdog.expect(LIMITS.heartbeatMs * LIMITS.missedHeartbeats);
    },
  });
}

function welcomed(
  { log, clock, status, guards, dispatcher }: Parts,
  { sessionId, epoch, protocol }: Welcome__Output,
  begun: Begun,
): void {
  guards.contact();
  const trouble = { lastError: '', cause: '', hint: '' };
  Object.assign(status, { connected: true, sessionId, epoch, connectedSinceMs: clock.now(), ...trouble });
  const away = begun();
  const skewMs = Math.round(dispatcher.hubClock.skewMs);
  const { account } = status;
  log.info(
    {
      account,
      session: sessionId,
      epoch,
      protocol,
      skew_ms: skewMs,
      away_ms: away?.away_ms,
      attempts: away?.attempts,
    },
    'session started',
  );
  if (Math.abs(skewMs) > SKEW_WORTH_TELLING_MS) log.warn({ skew_ms: skewMs }, 'clocks differ');
}

function helloOf(instanceId: string, config: AgentConfig, { status, dispatcher, health, rights }: Parts): Hello {
  return {
    instanceId,
    protocolMin: PROTOCOL_MIN,
    protocolMax: PROTOCOL_MAX,
    capabilities: [...OPERATION_KINDS, 'snapshot', ...(config.credential.kind === 'secret' ? ['trust'] : [])],
    agentVersion: packageJson.version,
    kubernetesVersion: status.kubernetesVersion,
    lastEpoch: dispatcher.highestEpoch,
    openOperations: dispatcher.journal
      .open()
      .map(({ operation, state }) => ({ id: operation.id, state: encodeState(state) })),
    watchVersions: health.versions(),
    maxMessageBytes: LIMITS.maxMessageBytes,
    credit: LIMITS.credit,
    allowedNamespaces: [...config.policy.allowedNamespaces],
    rightsReviewed: rights.missing !== null,
    missingRights: encodeMissingRights(rights.missing ?? []),
  };
}
