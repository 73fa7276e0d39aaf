/** Each alert rule fires when it should, and is quiet when it should be: asked of Prometheus itself (`promtool test rules`). */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { ensurePackages } from '../cluster/packages.ts';
import { repository } from '../support/child.ts';
import { makeScratch } from '../support/scratch.ts';

interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

interface Case {
  /** Series and their values, one a minute; `0x10` is eleven zeros. */
  fires: Record<string, string>;
  quiet: Record<string, string>;
  /** When it is looked at; default 20m. */
  at?: string;
  /** Alerts that fire; default 1. */
  count?: number;
}

const AGENT: Record<string, Case> = {
  SluiceAgentDisconnected: {
    // Of two replicas none has a session; and one that stands by has none either, which is as it should be.
    fires: {
      'sluice_agent_connected{instance="a",pod="1"}': '0x30',
      'sluice_agent_connected{instance="b",pod="2"}': '0x30',
    },
    quiet: {
      'sluice_agent_connected{instance="a",pod="1"}': '1x30',
      'sluice_agent_connected{instance="b",pod="2"}': '0x30',
    },
  },
  SluiceAgentNoContact: {
    fires: {
      'sluice_agent_orchestrator_silence_seconds{instance="a"}': '0+60x30',
      'sluice_agent_guards{instance="a",state="armed"}': '1x30',
      'sluice_agent_guards{instance="a",state="fired"}': '0x30',
    },
    quiet: {
      'sluice_agent_orchestrator_silence_seconds{instance="a"}': '0+60x30',
      'sluice_agent_guards{instance="a",state="armed"}': '0x30',
    },
  },
  SluiceAgentCredentialExpires: {
    fires: { sluice_agent_credential_expiry_timestamp_seconds: '100000x30' },
    quiet: { sluice_agent_credential_expiry_timestamp_seconds: '200000x30' },
  },
  SluiceAgentOutboxStuck: {
    fires: { sluice_agent_outbox_oldest_seconds: '0+60x30', sluice_agent_connected: '1x30' },
    // Without a session nothing can be stored, and another alert says so.
    quiet: { sluice_agent_outbox_oldest_seconds: '0+60x30', sluice_agent_connected: '0x30' },
  },
  SluiceAgentWatchStale: {
    fires: {
      'sluice_agent_watch_stale_seconds{resource="pods"}': '0+60x30',
      'sluice_agent_watch_stale_seconds{resource="jobs"}': '0x30',
    },
    quiet: { 'sluice_agent_watch_stale_seconds{resource="pods"}': '0 30 0 30 0x30' },
  },
  SluiceAgentRightsMissing: {
    fires: { sluice_agent_missing_rights: '3x30' },
    quiet: { sluice_agent_missing_rights: '3x10 0x30' },
  },
  SluiceAgentGuardFired: {
    fires: { sluice_agent_guards_fired_total: '0x10 1x30' },
    quiet: { sluice_agent_guards_fired_total: '3x40', 'sluice_agent_guards{state="fired"}': '0x40' },
  },
  SluiceAgentClockSkew: {
    fires: { sluice_agent_clock_skew_seconds: '-600x30' },
    quiet: { sluice_agent_clock_skew_seconds: '-5x30' },
  },
  SluiceAgentOperationsFail: {
    fires: {
      'sluice_agent_operations_total{kind="patch",code="OK"}': '0+3x40',
      'sluice_agent_operations_total{kind="patch",code="FORBIDDEN"}': '0+2x40',
    },
    // What an application's own objects are refused for is none of it; and two of three are too few to judge by.
    quiet: {
      'sluice_agent_operations_total{kind="patch",code="OK"}': '0+3x40',
      'sluice_agent_operations_total{kind="patch",code="NOT_FOUND"}': '0+2x40',
      'sluice_agent_operations_total{instance="idle",kind="get",code="INTERNAL"}': '0x18 1 2x40',
    },
  },
  SluiceAgentApiServerErrors: {
    fires: {
      'sluice_agent_kubernetes_requests_total{verb="get",status="2xx"}': '0+5x30',
      'sluice_agent_kubernetes_requests_total{verb="get",status="none"}': '0+5x30',
    },
    quiet: {
      'sluice_agent_kubernetes_requests_total{verb="get",status="2xx"}': '0+5x30',
      'sluice_agent_kubernetes_requests_total{verb="get",status="4xx"}': '0+5x30',
    },
  },
};

const ORCHESTRATOR: Record<string, Case> = {
  SluiceOrchestratorAbsent: {
    fires: { 'sluice_info{version="1"}': '1x5 stale' },
    quiet: { 'sluice_info{version="1"}': '1x30' },
  },
  SluiceOrchestratorOverloaded: {
    fires: {
      'nodejs_eventloop_busy_seconds_total{instance="a",job="s"}': '0+58x30',
      'sluice_info{instance="a",job="s",version="1"}': '1x30',
    },
    // Another program of Node.
    quiet: {
      'nodejs_eventloop_busy_seconds_total{instance="b",job="s"}': '0+58x30',
      'nodejs_eventloop_busy_seconds_total{instance="a",job="s"}': '0+5x30',
      'sluice_info{instance="a",job="s",version="1"}': '1x30',
    },
  },
  SluiceDatabaseUnreachable: {
    fires: { sluice_database_up: '1x10 0x30' },
    quiet: { sluice_database_up: '1x10 0 1x30' },
  },
  SluiceAccountDisconnected: {
    fires: {
      'sluice_account_connected{account="east"}': '1x5 0x30',
      'sluice_account_connected{account="west"}': '0x30',
    },
    quiet: { 'sluice_account_connected{account="east"}': '0x2 1x14 0x3' },
    count: 2,
  },
  SluiceReconnectStorm: {
    fires: { sluice_hub_sessions_begun_total: '0+6x30', sluice_hub_sessions: '1x30' },
    // A restart of the orchestrator brings all hundred back, once.
    quiet: { sluice_hub_sessions_begun_total: '0x10 100x30', sluice_hub_sessions: '0x10 100x30' },
  },
  SluiceAgentsRefused: {
    fires: { 'sluice_hub_refusals_total{code="UNAUTHENTICATED"}': '0+1x30' },
    quiet: {
      'sluice_hub_refusals_total{code="RETRY"}': '0+20x30',
      'sluice_hub_refusals_total{code="LIMIT"}': '0x10 2x30',
    },
  },
  SluiceAgentBehavesOddly: {
    fires: { 'sluice_agent_alerts{kind="alternatingAgents"}': '0x5 1x30' },
    quiet: { 'sluice_agent_alerts{kind="alternatingAgents"}': '0x30' },
  },
  SluiceRolloutStalled: {
    // One that tries again shows as running for a moment.
    fires: { 'sluice_rollouts{state="stalled"}': '0x3 1x5 0 1x5 0 1x30' },
    quiet: { 'sluice_rollouts{state="stalled"}': '0x3 1x5 0x30' },
  },
  SluiceApprovalWaits: {
    fires: { 'sluice_rollouts_quiet_seconds{state="waitingApproval"}': '15000x30' },
    quiet: {
      'sluice_rollouts_quiet_seconds{state="waitingApproval"}': '600x30',
      'sluice_rollouts_quiet_seconds{state="running"}': '99999x30',
    },
  },
  SluiceDeploymentNotBegun: {
    fires: { 'sluice_deployments{state="pending"}': '0x5 1x30' },
    quiet: { 'sluice_deployments{state="pending"}': '0 1 0 1 0x30', 'sluice_deployments{state="running"}': '1x30' },
  },
  SluiceOperationsStuck: {
    fires: { sluice_operations_open_oldest_seconds: '0+60x30' },
    quiet: { sluice_operations_open_oldest_seconds: '300x30' },
  },
  SluiceOperationsFail: {
    fires: {
      'sluice_operations_total{kind="apply",code="OK"}': '0+3x40',
      'sluice_operations_total{kind="apply",code="EXPIRED"}': '0+2x40',
    },
    quiet: {
      'sluice_operations_total{kind="apply",code="OK"}': '0+3x40',
      'sluice_operations_total{kind="apply",code="INVALID"}': '0+2x40',
    },
  },
  SluiceCertificateExpires: {
    fires: {
      'sluice_certificate_expiry_timestamp_seconds{certificate="server"}': '1000000x30',
      'sluice_certificate_expiry_timestamp_seconds{certificate="ca"}': '9000000x30',
    },
    quiet: { 'sluice_certificate_expiry_timestamp_seconds{certificate="server"}': '2000000x30' },
  },
};

const FILES = { agent: AGENT, orchestrator: ORCHESTRATOR };

beforeAll(async () => {
  await ensurePackages(['prometheus']);
});

function rulesOf(part: string): { path: string; rules: Rule[] } {
  const path = join(repository, `helm/${part}/files/alerts.yaml`);
  const { groups } = parse(readFileSync(path, 'utf8')) as { groups: { rules: Rule[] }[] };
  return { path, rules: groups.flatMap(({ rules }) => rules) };
}

/** One question: how many alerts of this name fire. */
function asked(alert: string, series: Record<string, string>, at: string, count: number): unknown {
  return {
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
        eval_time: at,
        exp_samples: count === 0 ? [] : [{ labels: '{}', value: count }],
      },
    ],
  };
}

test.each(Object.entries(FILES))('each alert of the %s fires when it should, and only then', async (part, cases) => {
  const { path, rules } = rulesOf(part);
  expect(rules.map(({ alert }) => alert).toSorted()).toEqual(Object.keys(cases).toSorted());
  const tests = Object.entries(cases).flatMap(([alert, { fires, quiet, at = '20m', count = 1 }]) => [
    asked(alert, fires, at, count),
    asked(alert, quiet, at, 0),
  ]);
  const scratch = makeScratch('alerts');
  const file = join(scratch.folder, 'tests.yaml');
  writeFileSync(file, stringify({ rule_files: [path], evaluation_interval: '1m', tests }));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  await scratch.remove();
  expect(status, stdout + stderr).toBe(0);
});

test.each(Object.keys(FILES))('each alert of the %s says what to do, of metrics that there are', (part) => {
  const page = readFileSync(join(repository, 'docs/metrics.md'), 'utf8');
  const { rules } = rulesOf(part);
  for (const { alert, expr, labels, annotations } of rules) {
    const { summary, description, runbook } = annotations;
    expect([alert, summary?.endsWith('.'), (description?.length ?? 0) > 60]).toEqual([alert, true, true]);
    expect(runbook).toBe(`docs/troubleshooting.md#${alert.toLowerCase()}`);
    expect(['critical', 'warning']).toContain(labels['severity']);
    const metrics = expr.match(/\b(?:sluice|nodejs|process)_[a-z_]+/g) ?? [];
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
    expect(page).toContain(`| \`${alert}\` |`);
  }
});
