/** The agent's metrics: what is counted, and that nothing a peer says makes a new series. */

import { expect, test } from 'vitest';
import { AgentMetrics } from '../../../src/agent/metrics/agent-metrics.ts';
import type { AgentNow } from '../../../src/agent/metrics/agent-metrics.ts';
import type { SessionEnd } from '../../../src/agent/stream/session-end.ts';

const NOW: AgentNow = {
  status: {
    role: 'alone',
    leader: '',
    leaseTrouble: '',
    account: 'east',
    connected: true,
    sessionId: 's',
    epoch: 3,
    connectedSinceMs: 1_000,
    lastHubMessageMs: 0,
    lastError: '',
    cause: '',
    hint: '',
    version: '1.2.3',
    kubernetesVersion: '',
    missingRights: [{ namespace: 'shop', group: '', resource: 'pods', verb: 'list' }],
    clockSkewMs: -1500,
    credentialNotAfterMs: 5_000_000,
    inFlight: 2,
    unacknowledged: 1,
    watches: { a: 1 },
    guards: [{ holder: 'shop/splits/web', rollout: 'r', state: 'armed', reason: '', at: '' }],
  },
  nowMs: 61_000,
  credentialNotAfterMs: 5_000_000,
  silentMs: 2_000,
  oldestResultMs: 30_000,
  staleness: [
    ['pods', 0],
    ['pods', 90_000],
    ['splits', 1_000],
  ],
};

async function linesOf(metrics: AgentMetrics): Promise<string[]> {
  return (await metrics.expose(NOW)).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('a scrape says what is now', async () => {
  const lines = await linesOf(new AgentMetrics());
  expect(lines).toEqual(
    expect.arrayContaining([
      'sluice_agent_info{version="1.2.3"} 1',
      'sluice_agent_connected 1',
      'sluice_agent_session_age_seconds 60',
      'sluice_agent_orchestrator_silence_seconds 2',
      'sluice_agent_credential_expiry_timestamp_seconds 5000',
      'sluice_agent_clock_skew_seconds -1.5',
      'sluice_agent_missing_rights 1',
      'sluice_agent_operations_in_flight 2',
      'sluice_agent_outbox_results 1',
      'sluice_agent_outbox_oldest_seconds 30',
      'sluice_agent_watch_stale_seconds{resource="pods"} 90',
      'sluice_agent_watch_stale_seconds{resource="jobs"} 0',
      'sluice_agent_guards{state="armed"} 1',
      'sluice_agent_guards{state="fired"} 0',
      'sluice_agent_guards_fired_total 0',
      'sluice_agent_sessions_ended_total{reason="silent"} 0',
    ]),
  );
});

test('nothing that a peer says makes a new series', async () => {
  const metrics = new AgentMetrics();
  const burst = (salt: string): void => {
    for (let n = 0; n < 200; n++) {
      const word = `${salt}-${n}`;
      const ends: SessionEnd[] = [
        { kind: 'lost', code: word, message: word },
        { kind: 'refused', code: word, message: word, retryAfterMs: 0 },
        { kind: 'refused', code: 'constructor', message: word, retryAfterMs: 0 },
        { kind: 'goAway', reason: word, afterMs: 0, spreadMs: 0 },
      ];
      for (const end of ends) metrics.sessionEnded(end);
      metrics.operationEnded(word, word, n);
      metrics.operationEnded(undefined, 'UNSUPPORTED', 0);
      metrics.kubeRequest(word, 700 + n, n);
      metrics.kubeRequest('get', 0, n);
    }
  };
  const seriesOf = async (): Promise<string[]> => (await linesOf(metrics)).map((line) => line.replace(/ \S+$/, ''));
  burst('oddity1');
  const before = await seriesOf();
  burst('oddity2');
  expect(await seriesOf()).toEqual(before);
  const text = before.join('\n');
  expect(text).not.toMatch(/oddity|constructor/);
  expect(text).toContain('sluice_agent_operations_total{kind="unreadable",code="UNSUPPORTED"}');
  expect(before.length).toBeLessThan(150);
});
