/** Every metric of the orchestrator: its name, its labels, and what it tells. docs/metrics.md is kept equal to this. */

import type { MetricDefinition } from '../../shared/metrics.ts';
import { RESULT_CODES } from '../../protocol/operation.ts';
import { OPERATION_KINDS } from '../../protocol/operation-codec.ts';

/** From a configuration that is applied to a canary of days, in seconds. */
const LONG = [1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400];

export const ORCHESTRATOR_METRICS = {
  info: {
    name: 'sluice_info',
    type: 'gauge',
    help: 'Always 1: which release of the orchestrator runs.',
    labels: { version: { from: 'its release' } },
  },
  deployments: {
    name: 'sluice_deployments',
    type: 'gauge',
    help: 'Deployments that are not over, by state.',
    labels: { state: ['pending', 'running', 'stalled'] },
  },
  deploymentsEnded: {
    name: 'sluice_deployments_ended_total',
    type: 'counter',
    help: 'Deployments that ended in this process, by outcome.',
    labels: { outcome: ['succeeded', 'rolledBack', 'aborted', 'failed'] },
  },
  deploymentSeconds: {
    name: 'sluice_deployment_duration_seconds',
    type: 'histogram',
    help: "From a deployment's first step to its end.",
    labels: { outcome: ['succeeded', 'rolledBack', 'aborted', 'failed'] },
    buckets: LONG,
  },
  rollouts: {
    name: 'sluice_rollouts',
    type: 'gauge',
    help: 'Targets of those deployments that are not over, by state. `stalled`: one waits for a person, and says what for.',
    labels: { state: ['pending', 'running', 'waitingApproval', 'stalled'] },
  },
  rolloutsQuiet: {
    name: 'sluice_rollouts_quiet_seconds',
    type: 'gauge',
    help: 'How long ago the last event was of the target in this state that has said nothing for longest; 0: none is in it.',
    labels: { state: ['pending', 'running', 'waitingApproval', 'stalled'] },
  },
  runs: { name: 'sluice_workflows_running', type: 'gauge', help: 'Workflows that run in this process.' },
  weights: {
    name: 'sluice_weight_changes_total',
    type: 'counter',
    help: 'Shares of traffic that were changed, rollbacks included.',
  },
  drift: {
    name: 'sluice_drift_repaired_total',
    type: 'counter',
    help: 'Splits and routes that somebody else had changed or deleted, and that were put back.',
  },
  stepSeconds: {
    name: 'sluice_step_duration_seconds',
    type: 'histogram',
    help: 'How long each part of a run took; one in which the orchestrator was restarted is left out.',
    labels: {
      step: ['preparation', 'setWeight', 'pause', 'approval', 'analysis', 'runJob', 'promotion', 'rollback'],
    },
    buckets: LONG,
  },
  verdicts: {
    name: 'sluice_analysis_verdicts_total',
    type: 'counter',
    help: 'Verdicts of analyses.',
    labels: { verdict: ['passed', 'failed', 'inconclusive'] },
  },
  measurements: {
    name: 'sluice_analysis_measurements_total',
    type: 'counter',
    help: 'Measurements of analyses, each by itself. `inconclusive`: mostly that a metrics source did not answer.',
    labels: { verdict: ['passed', 'failed', 'inconclusive'] },
  },
  operations: {
    name: 'sluice_operations_total',
    type: 'counter',
    help: 'Operations that have ended, by what an agent was asked and how it went.',
    labels: { kind: OPERATION_KINDS, code: RESULT_CODES },
  },
  operationSeconds: {
    name: 'sluice_operation_duration_seconds',
    type: 'histogram',
    help: 'From the question to the stored answer, the way there and back included.',
    labels: { kind: OPERATION_KINDS },
  },
  operationsOpen: {
    name: 'sluice_operations_open',
    type: 'gauge',
    help: 'Operations without a result.',
  },
  operationsOldest: {
    name: 'sluice_operations_open_oldest_seconds',
    type: 'gauge',
    help: 'How old the oldest of them is; 0: there is none.',
  },
  sessions: { name: 'sluice_hub_sessions', type: 'gauge', help: 'Sessions with agents that are up.' },
  sessionsBegun: {
    name: 'sluice_hub_sessions_begun_total',
    type: 'counter',
    help: 'Sessions that began: a healthy agent makes one every 45 minutes.',
  },
  refused: {
    name: 'sluice_hub_refusals_total',
    type: 'counter',
    help: 'Agents turned away, by the code that they were told.',
    labels: { code: ['VERSION', 'FENCED', 'RETRY', 'LIMIT', 'UNAUTHENTICATED'] },
  },
  outbox: {
    name: 'sluice_hub_outbox_messages',
    type: 'gauge',
    help: 'Messages that agents have not taken yet, of all sessions.',
  },
  agents: {
    name: 'sluice_agents',
    type: 'gauge',
    help: 'Agents, by state. `waiting`: it has a credential and was never here.',
    labels: { state: ['connected', 'disconnected', 'waiting', 'revoked'] },
  },
  accountConnected: {
    name: 'sluice_account_connected',
    type: 'gauge',
    help: '1 while the agent of an account is connected, else 0; absent if it was never here, or is revoked.',
    labels: { account: { from: 'the agents that were added' } },
  },
  accountAway: {
    name: 'sluice_account_disconnected_seconds',
    type: 'gauge',
    help: 'How long it has been away; 0 while it is connected.',
    labels: { account: { from: 'the agents that were added' } },
  },
  alerts: {
    name: 'sluice_agent_alerts',
    type: 'gauge',
    help: 'What `sluice agents` and `/v1/alerts` tell of agents that behave oddly.',
    labels: { kind: ['alternatingAgents', 'refusedAgent', 'sessionFlood', 'joinTokenReused'] },
  },
  databaseUp: {
    name: 'sluice_database_up',
    type: 'gauge',
    help: '1 if the database answered this scrape, else 0; what is counted in it is then absent.',
  },
  databaseSeconds: {
    name: 'sluice_database_latency_seconds',
    type: 'gauge',
    help: 'How long it took to answer the smallest question, a free connection included.',
  },
  databaseSize: { name: 'sluice_database_size_bytes', type: 'gauge', help: 'Its size on disk.' },
  connections: {
    name: 'sluice_database_connections',
    type: 'gauge',
    help: "The orchestrator's connections, by what they do; `waiting`: those who wait for one.",
    labels: { pool: ['main', 'relaxed'], state: ['busy', 'idle', 'waiting'] },
  },
  certificates: {
    name: 'sluice_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'When a certificate of the orchestrator ends, in Unix time; `server` is what agents see, `api` what people do, if the API has one.',
    labels: { certificate: ['ca', 'server', 'api'] },
  },
  requests: {
    name: 'sluice_http_requests_total',
    type: 'counter',
    help: 'Requests to the API, by route and class of the answer.',
    labels: {
      route: { from: 'the paths of `/openapi.json`; `other` for what is none' },
      status: ['2xx', '3xx', '4xx', '5xx'],
    },
  },
  requestSeconds: {
    name: 'sluice_http_request_duration_seconds',
    type: 'histogram',
    help: 'From a request to the end of its answer; streams are left out.',
    labels: { route: { from: 'the paths of `/openapi.json`; `other` for what is none' } },
  },
  streams: {
    name: 'sluice_http_streams',
    type: 'gauge',
    help: 'Streams of deployments that somebody follows.',
  },
} as const satisfies Record<string, MetricDefinition>;
