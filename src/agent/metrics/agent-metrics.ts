/** The agent's metrics: counts what happens, and at a scrape adds what is now. */

import { Counter, Histogram, gauge, writeMetrics } from '../../shared/metrics.ts';
import type { Family } from '../../shared/metrics.ts';
import { processMetrics } from '../../shared/process-metrics.ts';
import type { KubeObserver } from '../kubernetes/kube-api.ts';
import type { AgentStatus } from '../status-server.ts';
import type { SessionEnd } from '../stream/session-end.ts';
import { AGENT_METRICS } from './catalogue.ts';
import { sessionEndReason } from './session-end-reason.ts';

/** What is read of the agent's parts at a scrape. */
export interface AgentNow {
  status: AgentStatus;
  nowMs: number;
  /** Of the certificate that it presents; null: it has none. */
  credentialNotAfterMs: number | null;
  /** How long the orchestrator has not been heard. */
  silentMs: number;
  /** How long the oldest result waits to be stored. */
  oldestResultMs: number;
  /** Of each kind, once for each namespace. */
  staleness: [kind: string, staleMs: number][];
}

export class AgentMetrics {
  readonly #sessionsEnded = new Counter(AGENT_METRICS.sessionsEnded);
  readonly #operations = new Counter(AGENT_METRICS.operations);
  readonly #operationSeconds = new Histogram(AGENT_METRICS.operationSeconds);
  readonly #guardsFired = new Counter(AGENT_METRICS.guardsFired);
  readonly #kubeRequests = new Counter(AGENT_METRICS.kubeRequests);
  readonly #kubeSeconds = new Histogram(AGENT_METRICS.kubeSeconds);

  readonly kubeRequest: KubeObserver = (verb, status, tookMs) => {
    this.#kubeRequests.add({ verb, status: status === 0 ? 'none' : `${Math.floor(status / 100)}xx` });
    this.#kubeSeconds.observe({ verb }, tookMs / 1000);
  };

  sessionEnded(end: SessionEnd): void {
    this.#sessionsEnded.add({ reason: sessionEndReason(end) });
  }

  /** @param kind undefined: of one that could not be read. */
  operationEnded(kind: string | undefined, code: string, tookMs: number): void {
    const labels = { kind: kind ?? 'unreadable' };
    this.#operations.add({ ...labels, code });
    this.#operationSeconds.observe(labels, tookMs / 1000);
  }

  guardFired(): void {
    this.#guardsFired.add({});
  }

  /** Everything, in Prometheus' text format. */
  async expose(now: AgentNow): Promise<string> {
    const kept = [
      this.#sessionsEnded,
      this.#operations,
      this.#operationSeconds,
      this.#guardsFired,
      this.#kubeRequests,
      this.#kubeSeconds,
    ];
    return writeMetrics([...gauges(now), ...kept.map((each) => each.read()), ...(await processMetrics())]);
  }
}

function gauges(now: AgentNow): Family[] {
  const { status, nowMs, credentialNotAfterMs, silentMs, oldestResultMs, staleness } = now;
  const { connected, connectedSinceMs } = status;
  return [
    gauge(AGENT_METRICS.info, [[{ version: status.version }, 1]]),
    gauge(
      AGENT_METRICS.role,
      AGENT_METRICS.role.labels.role.map((role) => [{ role }, role === status.role ? 1 : 0]),
    ),
    gauge(AGENT_METRICS.connected, connected ? 1 : 0),
    gauge(AGENT_METRICS.sessionAge, connected ? Math.max(0, nowMs - connectedSinceMs) / 1000 : undefined),
    gauge(AGENT_METRICS.silence, silentMs / 1000),
    gauge(
      AGENT_METRICS.credentialExpiry,
      credentialNotAfterMs === null ? undefined : Math.round(credentialNotAfterMs / 1000),
    ),
    gauge(AGENT_METRICS.clockSkew, status.clockSkewMs / 1000),
    gauge(AGENT_METRICS.missingRights, status.missingRights?.length),
    gauge(AGENT_METRICS.inFlight, status.inFlight),
    gauge(AGENT_METRICS.outbox, status.unacknowledged),
    gauge(AGENT_METRICS.outboxAge, oldestResultMs / 1000),
    gauge(
      AGENT_METRICS.watchStale,
      worstOf(staleness).map(([resource, ms]) => [{ resource }, ms / 1000]),
    ),
    gauge(AGENT_METRICS.watches, Object.keys(status.watches).length),
    gauge(
      AGENT_METRICS.guards,
      AGENT_METRICS.guards.labels.state.map((state) => [
        { state },
        status.guards.filter((guard) => guard.state === state).length,
      ]),
    ),
  ];
}

/** Every kind there is, with the worst of its namespaces: a kind that nobody looks at is not stale. */
function worstOf(staleness: AgentNow['staleness']): [kind: string, staleMs: number][] {
  const worst = new Map(AGENT_METRICS.watchStale.labels.resource.map((kind) => [kind, 0]));
  for (const [kind, staleMs] of staleness) worst.set(kind, Math.max(worst.get(kind) ?? 0, staleMs));
  return [...worst];
}
