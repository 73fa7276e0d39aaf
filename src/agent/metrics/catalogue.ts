/** Every metric of the agent: its name, its labels, and what it tells. docs/metrics.md is kept equal to this. */

import type { MetricDefinition } from '../../shared/metrics.ts';
import { RESULT_CODES } from '../../protocol/operation.ts';
import { OPERATION_KINDS } from '../../protocol/operation-codec.ts';
import { SERVED_VERSIONS } from '../health/served-versions.ts';
import { SESSION_END_REASONS } from './session-end-reason.ts';

/** `unreadable`: of a newer orchestrator, or damaged. */
const KINDS = [...OPERATION_KINDS, 'unreadable'];

export const AGENT_METRICS = {
  info: {
    name: 'sluice_agent_info',
    type: 'gauge',
    help: 'Always 1: which release of the agent runs.',
    labels: { version: { from: 'its release' } },
  },
  role: {
    name: 'sluice_agent_role',
    type: 'gauge',
    help: '1 for what this replica is; a `standby` has no session, and does nothing until it leads.',
    labels: { role: ['alone', 'leader', 'standby'] },
  },
  connected: {
    name: 'sluice_agent_connected',
    type: 'gauge',
    help: '1 while a session with the orchestrator is up, else 0.',
  },
  sessionAge: {
    name: 'sluice_agent_session_age_seconds',
    type: 'gauge',
    help: 'How long the session that is up has been so; absent without one.',
  },
  silence: {
    name: 'sluice_agent_orchestrator_silence_seconds',
    type: 'gauge',
    help: 'Since the last word of the orchestrator, or since the start: by it guards judge lost contact.',
  },
  sessionsEnded: {
    name: 'sluice_agent_sessions_ended_total',
    type: 'counter',
    help: 'Sessions, and attempts at one, that have ended, by why: each is followed by a new attempt.',
    labels: { reason: SESSION_END_REASONS },
  },
  credentialExpiry: {
    name: 'sluice_agent_credential_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'When the certificate that the agent presents ends, in Unix time; absent where it has a token alone.',
  },
  clockSkew: {
    name: 'sluice_agent_clock_skew_seconds',
    type: 'gauge',
    help: "How far the orchestrator's clock is ahead of the agent's at most; below 0: behind.",
  },
  missingRights: {
    name: 'sluice_agent_missing_rights',
    type: 'gauge',
    help: 'Rights that a canary takes and the API server does not grant, looked at again every 10 minutes; absent where it did not say.',
  },
  operations: {
    name: 'sluice_agent_operations_total',
    type: 'counter',
    help: 'Operations that have ended, by what was asked and how it went.',
    labels: { kind: KINDS, code: RESULT_CODES },
  },
  operationSeconds: {
    name: 'sluice_agent_operation_duration_seconds',
    type: 'histogram',
    help: "From an operation's arrival to its end, the wait for its turn included.",
    labels: { kind: KINDS },
  },
  inFlight: {
    name: 'sluice_agent_operations_in_flight',
    type: 'gauge',
    help: 'Operations that wait for their turn or run.',
  },
  outbox: {
    name: 'sluice_agent_outbox_results',
    type: 'gauge',
    help: 'Results that the orchestrator has not said to have stored.',
  },
  outboxAge: {
    name: 'sluice_agent_outbox_oldest_seconds',
    type: 'gauge',
    help: 'How long the oldest of them has been waiting; 0: none does.',
  },
  watchStale: {
    name: 'sluice_agent_watch_stale_seconds',
    type: 'gauge',
    help: 'How long the picture of a kind has not followed the cluster, in the worst namespace; 0: it does, or nobody looks.',
    labels: { resource: Object.keys(SERVED_VERSIONS) },
  },
  watches: {
    name: 'sluice_agent_watched_workloads',
    type: 'gauge',
    help: 'Workloads that the orchestrator has the agent watch: rollouts that run.',
  },
  guards: {
    name: 'sluice_agent_guards',
    type: 'gauge',
    help: 'Guards on watch, by state.',
    labels: { state: ['armed', 'holding', 'fired'] },
  },
  guardsFired: {
    name: 'sluice_agent_guards_fired_total',
    type: 'counter',
    help: 'Guards of this process that sent all traffic back to the stable.',
  },
  kubeRequests: {
    name: 'sluice_agent_kubernetes_requests_total',
    type: 'counter',
    help: 'Requests to the API server, each try, by verb and class of the answer; `none`: there was no answer.',
    labels: { verb: ['get', 'post', 'patch', 'delete', 'watch'], status: ['2xx', '3xx', '4xx', '5xx', 'none'] },
  },
  kubeSeconds: {
    name: 'sluice_agent_kubernetes_request_duration_seconds',
    type: 'histogram',
    help: 'From a request to the first byte of its answer.',
    labels: { verb: ['get', 'post', 'patch', 'delete', 'watch'] },
  },
} as const satisfies Record<string, MetricDefinition>;
