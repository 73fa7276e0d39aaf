/** The orchestrator's metrics: runs counted by what the store tells, and lists of values that are those of the source. */

import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { alert, deployment, rollout } from '../../../src/orchestrator/http/answers.ts';
import type { CanaryStep } from '../../../src/orchestrator/file/resolved.ts';
import { ORCHESTRATOR_METRICS } from '../../../src/orchestrator/metrics/catalogue.ts';
import { OrchestratorMetrics } from '../../../src/orchestrator/metrics/orchestrator-metrics.ts';
import type { OrchestratorNow } from '../../../src/orchestrator/metrics/now.ts';
import { RunMetrics } from '../../../src/orchestrator/metrics/run-metrics.ts';
import type { DeploymentRow } from '../../../src/orchestrator/store/deployments.ts';
import type { EventRow } from '../../../src/orchestrator/store/events.ts';
import type { Store } from '../../../src/orchestrator/store/store.ts';
import { writeMetrics } from '../../../src/shared/metrics.ts';

const changes: Store['changes'] = new EventEmitter();
let count = 0;

function event(kind: string, atSeconds: number, detail: unknown = null, rolloutId = 'dep_1:staging'): void {
  const row: EventRow = {
    id: ++count,
    deploymentId: 'dep_1',
    rolloutId,
    seq: count,
    kind,
    message: '',
    detail,
    at: new Date(atSeconds * 1000),
  };
  changes.emit('event', row);
}

function ended(state: DeploymentRow['state'], seconds: number): void {
  const startedAt = new Date(0);
  const endedAt = new Date(seconds * 1000);
  const rest = { application: 'shop', createdAt: startedAt, createdBy: 'me', reason: null };
  changes.emit('deployment', { id: 'dep_1', state, startedAt, endedAt, ...rest });
  changes.emit('deployment', { id: 'dep_2', state: 'running', startedAt, endedAt: null, ...rest });
}

test('a run is counted by its events: its parts by the time between them', () => {
  const runs = new RunMetrics();
  runs.follow({ changes });
  event('rollout.started', 0);
  event('rollout.phase', 2, { step: 'setWeight' });
  event('rollout.weight', 2);
  event('rollout.phase', 3); // scaled meanwhile: no step of the strategy
  event('rollout.phase', 4, { step: 'analysis' });
  event('analysis.measurement', 5, { verdict: 'passed' });
  event('analysis.measurement', 6, { verdict: 'inconclusive' });
  event('analysis.verdict', 6, { verdict: 'failed', step: 2 });
  event('drift', 7);
  event('rollback.started', 8);
  event('rollout.weight', 8);
  event('ended', 10);
  // Of one that began in the process before this one only what is whole is counted.
  event('rollback.started', 100, null, 'dep_0:old');
  event('ended', 107, null, 'dep_0:old');
  ended('rolledBack', 12);
  const lines = writeMetrics(runs.read()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'sluice_deployments_ended_total{outcome="rolledBack"} 1',
      'sluice_deployments_ended_total{outcome="succeeded"} 0',
      'sluice_deployment_duration_seconds_sum{outcome="rolledBack"} 12',
      'sluice_weight_changes_total 2',
      'sluice_drift_repaired_total 1',
      'sluice_analysis_verdicts_total{verdict="failed"} 1',
      'sluice_analysis_measurements_total{verdict="passed"} 1',
      'sluice_analysis_measurements_total{verdict="inconclusive"} 1',
      'sluice_step_duration_seconds_sum{step="preparation"} 2',
      'sluice_step_duration_seconds_sum{step="setWeight"} 2',
      'sluice_step_duration_seconds_sum{step="analysis"} 4',
      'sluice_step_duration_seconds_sum{step="rollback"} 9',
      'sluice_step_duration_seconds_count{step="rollback"} 2',
    ]),
  );
});

test('a database that does not answer is said, and nothing is made up of what it would have told', async () => {
  const now: OrchestratorNow = {
    version: '1',
    nowMs: 0,
    database: { census: undefined, latencyMs: 2_000 },
    agents: [],
    workflows: 3,
    sessions: 1,
    outbox: 0,
    pools: { main: { busy: 10, idle: 0, waiting: 4 }, relaxed: { busy: 0, idle: 1, waiting: 0 } },
    certificates: { ca: 1_000, server: 2_000 },
  };
  const text = await new OrchestratorMetrics().expose(now);
  expect(text).toContain('\nsluice_database_up 0\n');
  expect(text).toContain('\nsluice_workflows_running 3\n');
  expect(text).toContain('\nsluice_database_connections{pool="main",state="waiting"} 4\n');
  expect(text).not.toMatch(/^sluice_(deployments|rollouts|agents|account_connected)\{/m);
});

test('states, kinds and steps are those of the source', () => {
  const { deployments, deploymentsEnded, rollouts, rolloutsQuiet, alerts, stepSeconds } = ORCHESTRATOR_METRICS;
  expect([...deployments.labels.state, ...deploymentsEnded.labels.outcome].toSorted()).toEqual(
    deployment.shape.state.options.toSorted(),
  );
  const over = ['succeeded', 'rolledBack', 'aborted', 'failed', 'skipped'];
  expect([...rollouts.labels.state, ...over].toSorted()).toEqual(rollout.shape.state.options.toSorted());
  expect(rolloutsQuiet.labels).toEqual(rollouts.labels);
  expect(alerts.labels.kind.toSorted()).toEqual(alert.shape.kind.options.toSorted());
  const steps: Record<CanaryStep['kind'], true> = {
    setWeight: true,
    pause: true,
    approval: true,
    analysis: true,
    runJob: true,
  };
  expect(stepSeconds.labels.step).toEqual(['preparation', ...Object.keys(steps), 'promotion', 'rollback']);
});
