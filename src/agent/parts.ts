/** The agent's parts, put together: who hands news to whom. None of them acts yet. */

import { systemClock } from '../shared/clock.ts';
import type { Clock } from '../shared/clock.ts';
import type { Log } from '../shared/log.ts';
import { createLog } from '../shared/log.ts';
import { logProcessFaults } from '../shared/process-faults.ts';
import type { Hello } from '../protocol/gen/sluice/agent/v1/Hello.ts';
import { LIMITS } from '../protocol/service.ts';
import type { AgentConfig } from './config.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import { Guards } from './guard/guards.ts';
import { Health } from './health/health.ts';
import { openClusterAccess } from './kubernetes/cluster-access.ts';
import { KubeApi } from './kubernetes/kube-api.ts';
import { Resources } from './kubernetes/resources.ts';
import { openElection } from './lease/open-election.ts';
import { AgentMetrics } from './metrics/agent-metrics.ts';
import { OwnRights } from './own-rights.ts';
import { Reclaim } from './reclaim.ts';
import { newStatus } from './status.ts';
import type { AgentStatus } from './status-server.ts';
import type { Session } from './stream/session.ts';
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
  /** How long the first session waits for what the agent lacks; default 500. */
  reviewMs?: number;
  /** For tests: where the status server listens. */
  onListening?: (port: number) => void;
  /** Default: the system's. */
  clock?: Clock;
  /** For tests: what it says of itself instead, such as the versions and capabilities of an older one. */
  hello?: Hello;
}

export interface Parts {
  log: Log;
  clock: Clock;
  random: () => number;
  metrics: AgentMetrics;
  /** Undefined: there is one agent, which acts. */
  election: ReturnType<typeof openElection> | undefined;
  api: KubeApi;
  health: Health;
  guards: Guards;
  dispatcher: Dispatcher;
  rights: OwnRights;
  watchdog: Watchdog;
  /** What none of the parts has. */
  status: AgentStatus;
  /** The session, while there is one. */
  live: { session?: Session | undefined };
  /** All of them; nothing acts any more. */
  stop: () => void;
}

/** @throws SluiceError CLUSTER_ACCESS */
export async function openParts(config: AgentConfig, options: RunAgentOptions): Promise<Parts> {
  const { clock = systemClock, onStuck = () => process.exit(1), onLost = () => process.exit(1) } = options;
  const log = options.log ?? ownLog(config);
  const random = Math.random;
  const live: Parts['live'] = {};
  const metrics = new AgentMetrics();
  const access = await openClusterAccess(config.cluster);
  const watchdog = new Watchdog(clock, () => {
    log.fatal({}, 'connect loop is stuck');
    onStuck();
  });
  const observe = metrics.kubeRequest;
  const onTurn = (quietMs: number): void => watchdog.expect(quietMs);
  const election = config.lease && openElection(config.lease, { access, clock, log, random, observe, onLost, onTurn });
  const mayWrite = election && (() => election.check());
  const api = new KubeApi(access, clock, observe, mayWrite);
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
    onNews: (id) => live.session?.announce(id),
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
    onStatus: (each, epoch) => live.session?.sendStatus(each, epoch),
    onEnded: (kind, code, tookMs) => metrics.operationEnded(kind, code, tookMs),
  });
  const rights = new OwnRights({ api, policy, clock, log });
  const stop = (): void => {
    for (const part of [dispatcher, guards, health, watchdog, reclaim, rights]) part.stop();
    api.close();
  };
  const core = { log, clock, random, metrics, election, api, health, guards, dispatcher, rights, watchdog };
  return { ...core, status: newStatus(), live, stop };
}

/** Of an agent that has the process to itself. */
function ownLog(config: AgentConfig): Log {
  const log = createLog({ name: 'sluice-agent', ...config.log });
  logProcessFaults(log);
  return log;
}
