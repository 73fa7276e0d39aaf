/** The orchestrator's metrics: what was counted on the way, and at a scrape what is now. */

import { Counter, Histogram, gauge, writeMetrics } from '../../shared/metrics.ts';
import type { Family, MetricDefinition } from '../../shared/metrics.ts';
import { processMetrics } from '../../shared/process-metrics.ts';
import type { HubObserver } from '../hub/hub-observer.ts';
import { ORCHESTRATOR_METRICS } from './catalogue.ts';
import { HttpMetrics } from './http-metrics.ts';
import type { OrchestratorNow } from './now.ts';
import { RunMetrics } from './run-metrics.ts';

const { deployments, rollouts, rolloutsQuiet, alerts, connections } = ORCHESTRATOR_METRICS;

export class OrchestratorMetrics {
  readonly runs = new RunMetrics();
  readonly http = new HttpMetrics();
  readonly #operations = new Counter(ORCHESTRATOR_METRICS.operations);
  readonly #operationSeconds = new Histogram(ORCHESTRATOR_METRICS.operationSeconds);
  readonly #sessionsBegun = new Counter(ORCHESTRATOR_METRICS.sessionsBegun);
  readonly #refused = new Counter(ORCHESTRATOR_METRICS.refused);

  readonly hub: HubObserver = {
    operationEnded: (kind, code, tookMs) => {
      this.#operations.add({ kind, code });
      this.#operationSeconds.observe({ kind }, tookMs / 1000);
    },
    sessionBegan: () => this.#sessionsBegun.add({}),
    refused: (code) => this.#refused.add({ code }),
  };

  /** Everything, in Prometheus' text format. */
  async expose(now: OrchestratorNow): Promise<string> {
    const counted = [this.#operations, this.#operationSeconds, this.#sessionsBegun, this.#refused];
    return writeMetrics([
      ...stored(now),
      ...live(now),
      ...this.runs.read(),
      ...counted.map((each) => each.read()),
      ...this.http.read(),
      ...(await processMetrics()),
    ]);
  }
}

/** What the database knows; nothing of it where it does not answer. */
function stored({ database, agents, nowMs }: OrchestratorNow): Family[] {
  const { census } = database;
  const up = gauge(ORCHESTRATOR_METRICS.databaseUp, census ? 1 : 0);
  if (!census) return [up];
  const known = agents.filter(({ state }) => state === 'connected' || state === 'disconnected');
  return [
    up,
    gauge(ORCHESTRATOR_METRICS.databaseSeconds, database.latencyMs / 1000),
    gauge(ORCHESTRATOR_METRICS.databaseSize, census.databaseBytes),
    byValue(deployments, 'state', deployments.labels.state, census.deployments),
    byValue(rollouts, 'state', rollouts.labels.state, census.rollouts),
    byValue(rolloutsQuiet, 'state', rolloutsQuiet.labels.state, census.rolloutsQuiet),
    gauge(ORCHESTRATOR_METRICS.operationsOpen, census.operations),
    gauge(ORCHESTRATOR_METRICS.operationsOldest, census.operationsOldest),
    byValue(alerts, 'kind', alerts.labels.kind, census.alerts),
    gauge(
      ORCHESTRATOR_METRICS.agents,
      ORCHESTRATOR_METRICS.agents.labels.state.map((state) => [
        { state },
        agents.filter((agent) => agent.state === state).length,
      ]),
    ),
    gauge(
      ORCHESTRATOR_METRICS.accountConnected,
      known.map(({ account, state }) => [{ account }, state === 'connected' ? 1 : 0]),
    ),
    gauge(
      ORCHESTRATOR_METRICS.accountAway,
      known.map(({ account, state, sinceMs }) => [
        { account },
        state === 'connected' ? 0 : Math.max(0, nowMs - sinceMs) / 1000,
      ]),
    ),
  ];
}

/** What this process knows by itself. */
function live({ version, workflows, sessions, outbox, pools, certificates }: OrchestratorNow): Family[] {
  return [
    gauge(ORCHESTRATOR_METRICS.info, [[{ version }, 1]]),
    gauge(ORCHESTRATOR_METRICS.runs, workflows),
    gauge(ORCHESTRATOR_METRICS.sessions, sessions),
    gauge(ORCHESTRATOR_METRICS.outbox, outbox),
    gauge(
      connections,
      Object.entries(pools).flatMap(([pool, states]) =>
        Object.entries(states).map(([state, count]): [Record<string, string>, number] => [{ pool, state }, count]),
      ),
    ),
    gauge(
      ORCHESTRATOR_METRICS.certificates,
      Object.entries(certificates).map(([certificate, notAfterMs]) => [{ certificate }, Math.round(notAfterMs / 1000)]),
    ),
  ];
}

/** Every value of a label, also those that there is none of: a rule on an absent series never fires. */
function byValue(
  definition: MetricDefinition,
  label: string,
  values: readonly string[],
  counts: Record<string, number>,
): Family {
  return gauge(
    definition,
    values.map((value) => [{ [label]: value }, counts[value] ?? 0]),
  );
}
