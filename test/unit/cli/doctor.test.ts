/** What `sluice doctor` makes of what the API told. */

import { describe, expect, test } from 'vitest';
import { judgeAgents, judgeAlerts, judgeTransport, judgeVersion } from '../../../src/cli/judge-orchestrator.ts';

const nowMs = Date.UTC(2026, 10, 24, 12);
const states = (checks: { id: string; state: string }[]): string[] => checks.map(({ id, state }) => `${id} ${state}`);

describe('version, token and clock', () => {
  const answer = {
    api: 1,
    version: '0.1.0',
    time: new Date(nowMs).toISOString(),
    caller: { name: 'ci-shop', role: 'deployer', applications: ['shop'] as string[] | null },
  };
  const judge = (more: Partial<typeof answer>, own = '0.1.0') =>
    judgeVersion({ ...answer, ...more }, own, nowMs, nowMs + 20);

  test('all well: whose token it is, and what it may', () => {
    const checks = judge({});
    expect(states(checks)).toEqual(['token ok', 'version ok', 'clock ok']);
    expect(checks[0]?.detail).toBe('ci-shop, role deployer, for shop alone');
    const local = { name: 'local', role: 'admin', applications: null };
    expect(judge({ caller: local })[0]?.detail).toContain('none is asked for');
  });

  test('another release, another API, another time', () => {
    expect(states(judge({}, '0.2.0'))).toContain('version warn');
    expect(states(judge({ api: 2 }))).toContain('version fail');
    const off = judge({ time: new Date(nowMs - 600_000).toISOString() });
    expect(off[2]).toMatchObject({ state: 'warn', detail: "the orchestrator's clock is 10 min behind this machine's" });
  });
});

test.each([
  ['https://sluice.example', []],
  ['http://127.0.0.1:8080', []],
  ['http://[::1]:8080', []],
  ['http://localhost:8080', []],
  ['http://sluice.example', ['tls warn']],
])('%s', (url, said) => {
  expect(states(judgeTransport(url))).toEqual(said);
});

describe('agents', () => {
  const agent = {
    account: 'east',
    connected: true,
    revokedAt: null,
    connectedAt: new Date(nowMs - 60_000).toISOString(),
    disconnectedAt: null,
    disconnectReason: null,
    agentVersion: '0.1.0',
    kubernetesVersion: 'v1.37.0',
    protocol: 3,
    namespaces: ['shop'],
    missingRights: [],
    certificateEndsAt: null,
  };

  test.each<[string, object, string, RegExp]>([
    ['connected', {}, 'ok', /connected since 1 min ago, agent 0\.1\.0, Kubernetes v1\.37\.0/],
    ['never connected', { connected: false, connectedAt: null }, 'warn', /never connected/],
    [
      'disconnected',
      {
        connected: false,
        disconnectedAt: new Date(nowMs - 7_200_000).toISOString(),
        disconnectReason: 'the connection was lost',
      },
      'fail',
      /disconnected 2 h ago/,
    ],
    [
      'short of rights',
      { missingRights: [{ namespace: 'shop', group: 'apps', resource: 'deployments', verb: 'patch' }] },
      'warn',
      /lacks 1 right$/,
    ],
    [
      'with a certificate that was not renewed',
      { certificateEndsAt: new Date(nowMs + 7_200_000).toISOString() },
      'warn',
      /^connected since/,
    ],
  ])('%s', (_what, more, state, detail) => {
    const [check] = judgeAgents([{ ...agent, ...more }], nowMs);
    expect(check).toMatchObject({ id: 'agents/east', state, detail: expect.stringMatching(detail) as string });
    expect(check?.hint === '').toBe(state === 'ok');
  });

  test('one that is revoked does not count; without any there is one to add', () => {
    const revoked = { ...agent, connected: false, revokedAt: agent.connectedAt };
    expect(judgeAgents([revoked], nowMs)[0]).toMatchObject({
      state: 'warn',
      hint: expect.stringContaining('agents add') as string,
    });
  });
});

test('each open alert is a line, with what to do', () => {
  const lastAt = new Date(nowMs - 60_000).toISOString();
  const alerts = [{ id: 7, kind: 'refusedAgent', message: 'Look at it.', count: 3, lastAt }];
  expect(judgeAlerts(alerts, nowMs)).toMatchObject([
    { id: 'alerts/7', state: 'warn', detail: 'refusedAgent, seen 3 times, last 1 min ago', hint: 'Look at it.' },
  ]);
  expect(states(judgeAlerts([], nowMs))).toEqual(['alerts ok']);
});
