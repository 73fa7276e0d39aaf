/** What the agent knows of itself, for people, probes and metrics. */

import packageJson from '../../package.json' with { type: 'json' };
import type { Dispatcher } from './dispatch/dispatcher.ts';
import type { Guards } from './guard/guards.ts';
import type { Health } from './health/health.ts';
import type { AgentStatus } from './status-server.ts';

const ALONE = { role: 'alone', leader: '', leaseTrouble: '' } as const;

/** Of an agent that has not begun. */
export function newStatus(): AgentStatus {
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

/** With what its parts have at this moment. */
export function fullStatus(
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
