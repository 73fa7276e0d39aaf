/** One agent from its configuration to its end: puts the parts together and hands news from one to the other. */

import { randomUUID } from 'node:crypto';
import { pause, systemClock } from '../shared/clock.ts';
import type { Clock } from '../shared/clock.ts';
import type { Log } from '../shared/log.ts';
import { createLog } from '../shared/log.ts';
import { logProcessFaults } from '../shared/process-faults.ts';
import type { Hello } from '../protocol/gen/sluice/agent/v1/Hello.ts';
import type { Holds } from '../protocol/gen/sluice/agent/v1/Holds.ts';
import { OPERATION_KINDS } from '../protocol/operation-codec.ts';
import { encodeMissingRights } from '../protocol/missing-rights.ts';
import { encodeState } from '../protocol/status-codec.ts';
import { LIMITS, PROTOCOL_MAX, PROTOCOL_MIN } from '../protocol/service.ts';
import packageJson from '../../package.json' with { type: 'json' };
import type { AgentConfig } from './config.ts';
import { notAfterMsOf } from './credential.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import { openCredentials } from './enrol/open-credentials.ts';
import { Guards } from './guard/guards.ts';
import { Health } from './health/health.ts';
import { openClusterAccess } from './kubernetes/cluster-access.ts';
import { KubeApi } from './kubernetes/kube-api.ts';
import { Resources } from './kubernetes/resources.ts';
import { openElection } from './lease/open-election.ts';
import { AgentMetrics } from './metrics/agent-metrics.ts';
import { agentNow } from './metrics/now.ts';
import { OwnRights } from './own-rights.ts';
import { Reclaim } from './reclaim.ts';
import { startStatusServer } from './status-server.ts';
import type { AgentStatus } from './status-server.ts';
import { runConnectLoop } from './stream/connect-loop.ts';
import { showProxy } from './stream/proxy.ts';
import { Session } from './stream/session.ts';
import { Watchdog } from './watchdog.ts';

export interface RunAgentOptions {
  /** Aborted: drain, finish what runs, leave. */
  signal: AbortSignal;
  /** Default: pino on standard output, as the configuration says. */
  log?: Log;
  /** The connect loop has stopped turning; default: end the process, so that it is started anew. */
  onStuck?: () => void;
  /** It led, and another may now; default: end the process, since what no longer runs does nothing. */
  onLost?: () => void;
  /** How long operations that run may go on after the signal. Default: 30 s. */
  drainMs?: number;
  /** For tests: where the status server listens. */
  onListening?: (port: number) => void;
  /** Default: the system's. */
  clock?: Clock;
  /** For tests: what it says of itself instead, such as the versions and capabilities of an older one. */
  hello?: Hello;
}

const ALONE = { role: 'alone', leader: '', leaseTrouble: '' } as const;
/** Nothing depends on it, but a clock so wrong breaks certificates and confuses who reads two logs. */
const SKEW_WORTH_TELLING_MS = 30_000;
const DRAIN_MS = 30_000;
/** How long the hub then has to store their results. */
const STORE_MS = 3000;
/** How long the first session waits for what the agent lacks; what comes later is said at the next. */
const REVIEW_MS = 500;

/** Runs until `signal` aborts. @throws SluiceError when it cannot start: the cluster's access, the health address. */
export async function runAgent(config: AgentConfig, options: RunAgentOptions): Promise<void> {
  const { signal, onStuck = () => process.exit(1), onLost = () => process.exit(1) } = options;
  const log = options.log ?? ownLog(config);
  const { clock = systemClock } = options;
  const random = Math.random;
  const metrics = new AgentMetrics();
  const access = await openClusterAccess(config.cluster);
  const observe = metrics.kubeRequest;
  const onTurn = (quietMs: number): void => watchdog.expect(quietMs);
  const election = config.lease && openElection(config.lease, { access, clock, log, random, observe, onLost, onTurn });
  const mayWrite = election && (() => election.check());
  const api = new KubeApi(access, clock, observe, mayWrite);
  const status = newStatus();
  let session: Session | undefined;

  const watchdog = new Watchdog(clock, () => {
    log.fatal({}, 'connect loop is stuck');
    onStuck();
  });
  const { policy } = config;
  const { allowedNamespaces } = policy;
  const cluster = { api, resources: new Resources(api) };
  const reclaim = new Reclaim(clock);
  const health = new Health({
    api,
    clock,
    log,
    random,
    allowedNamespaces,
    onNews: (id) => session?.announce(id),
    onListed: (objects) => reclaim.listed(objects),
  });
  const onFired = (): void => metrics.guardFired();
  const guards = new Guards({ cluster, health, clock, log, random, policy, onFired });
  const dispatcher = new Dispatcher({
    cluster,
    policy,
    guards,
    clock,
    log,
    mayWrite,
    credit: LIMITS.credit,
    onStatus: (each, epoch) => session?.sendStatus(each, epoch),
    onEnded: (kind, code, tookMs) => metrics.operationEnded(kind, code, tookMs),
  });
  const rights = new OwnRights({ api, policy, clock, log });
  const statusNow = (): AgentStatus => ({
    ...fullStatus(status, dispatcher, health, guards),
    missingRights: rights.missing,
    ...election?.standing(),
  });
  const server =
    config.healthAddress &&
    (await startStatusServer(config.healthAddress, statusNow, () => {
      const now = statusNow();
      return metrics.expose(agentNow(now, now.credentialNotAfterMs, { dispatcher, health, guards }, clock.now()));
    }));
  if (server) options.onListening?.(server.port);
  const proxy = config.proxy && showProxy(config.proxy);
  const { version } = packageJson;
  log.info({ version, namespaces: allowedNamespaces, health_port: server?.port, proxy }, 'agent started');
  const end = async (): Promise<void> => {
    dispatcher.stop();
    guards.stop();
    health.stop();
    watchdog.stop();
    reclaim.stop();
    rights.stop();
    api.close();
    // Nothing acts any more.
    await election?.leave();
    await server?.close();
    log.info({}, 'agent stopped');
  };
  if (election && !(await election.won(signal))) return end();
  // What was armed before this agent's time protects the traffic from here on, orchestrator or not.
  guards.start();
  status.kubernetesVersion = await readKubernetesVersion(api, log);
  // Over the connection that is free again. For people too: whoever is slow to answer it holds up no session.
  await within(rights.review(), REVIEW_MS);

  const instanceId = randomUUID();
  const agentVersion = packageJson.version;
  const hubNow = (): number => dispatcher.now();
  const onHolds = (holds: Holds): void => {
    status.credentialNotAfterMs = credentials.atHand ? notAfterMsOf(credentials.atHand) : null;
    session?.holds(holds);
  };
  const credentials = openCredentials(config, { api, clock, hubNow, random, log, instanceId, agentVersion, onHolds });
  const loopStop = new AbortController();
  const loop = runConnectLoop(
    {
      readCredential: async () => {
        const credential = await credentials.current();
        status.account = credential.account;
        status.credentialNotAfterMs = notAfterMsOf(credential);
        return credential;
      },
      credentialAtHand: () => credentials.atHand,
      server: config.server,
      serverName: config.serverName,
      plaintext: config.plaintext,
      proxy: config.proxy,
      reconnectMaxMs: config.reconnectMaxMs,
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
        session = new Session({
          stream,
          hello: { ...helloOf(instanceId, config, statusNow(), dispatcher, health), ...options.hello },
          dispatcher,
          health,
          clock,
          log,
          onTrust: (trust) => credentials.trust?.(trust),
          onWelcome: (welcome) => {
            guards.contact();
            const { sessionId, epoch, protocol } = welcome;
            const connectedSinceMs = clock.now();
            Object.assign(status, {
              connected: true,
              sessionId,
              epoch,
              connectedSinceMs,
              lastError: '',
              cause: '',
              hint: '',
            });
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
          },
          onAlive: () => {
            status.lastHubMessageMs = clock.now();
            // One that refuses us, or is none, steers nothing.
            if (status.connected) guards.contact();
            watchdog.expect(LIMITS.heartbeatMs * LIMITS.missedHeartbeats);
          },
        });
        const end = await session.ended;
        session = undefined;
        status.connected = false;
        return end;
      },
    },
    loopStop.signal,
  );

  await aborted(signal);
  log.info({ in_flight: dispatcher.journal.inFlight }, 'agent drains');
  session?.drain('the agent was told to stop');
  await within(dispatcher.drain(), options.drainMs ?? DRAIN_MS);
  dispatcher.stop();
  if (session) await within(dispatcher.journal.whenStored(), STORE_MS);
  loopStop.abort();
  session?.close();
  await loop;
  await credentials.stop();
  await end();
}

function helloOf(
  instanceId: string,
  config: AgentConfig,
  status: AgentStatus,
  dispatcher: Dispatcher,
  health: Health,
): Hello {
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
    rightsReviewed: status.missingRights !== null,
    missingRights: encodeMissingRights(status.missingRights ?? []),
  };
}

/** Of an agent that has the process to itself. */
function ownLog(config: AgentConfig): Log {
  const log = createLog({ name: 'sluice-agent', ...config.log });
  logProcessFaults(log);
  return log;
}

/** For people only, so an API server that does not answer yet holds nothing up. */
async function readKubernetesVersion(api: KubeApi, log: Log): Promise<string> {
  try {
    const what = "read the cluster's version";
    const signal = AbortSignal.timeout(3000);
    return (await api.call<{ gitVersion: string }>({ method: 'GET', path: '/version', what, signal })).gitVersion;
  } catch (error) {
    log.warn({ err: error }, 'API server does not answer');
    return '';
  }
}

function newStatus(): AgentStatus {
  return {
    ...ALONE,
    account: '',
    connected: false,
    sessionId: '',
    epoch: 0,
    connectedSinceMs: 0,
    lastHubMessageMs: 0,
    lastError: 'not yet connected',
    cause: '',
    hint: '',
    version: packageJson.version,
    kubernetesVersion: '',
    missingRights: null,
    clockSkewMs: 0,
    credentialNotAfterMs: null,
    inFlight: 0,
    unacknowledged: 0,
    watches: {},
    guards: [],
  };
}

function fullStatus(
  status: AgentStatus,
  { journal, hubClock }: Dispatcher,
  health: Health,
  guards: Guards,
): AgentStatus {
  const { inFlight } = journal;
  return {
    ...status,
    clockSkewMs: hubClock.skewMs,
    inFlight,
    unacknowledged: journal.open().length - inFlight,
    watches: health.versions(),
    guards: guards.list(),
  };
}

/** Waits for `event`, at most `ms`. */
async function within(event: Promise<void>, ms: number): Promise<void> {
  const enough = new AbortController();
  // The timer must not keep the process when the event came first.
  await Promise.race([event, pause(ms, enough.signal)]).finally(() => enough.abort());
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
