/** What the metrics show of the agent at this moment. */

import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { Guards } from '../guard/guards.ts';
import type { Health } from '../health/health.ts';
import type { AgentStatus } from '../status-server.ts';
import type { AgentNow } from './agent-metrics.ts';

export interface AgentParts {
  dispatcher: Dispatcher;
  health: Health;
  guards: Guards;
}

export function agentNow(
  status: AgentStatus,
  credentialNotAfterMs: number | null,
  { dispatcher, health, guards }: AgentParts,
  nowMs: number,
): AgentNow {
  // Results carry the hub's time.
  const oldest = Math.min(...dispatcher.journal.unstored().map(({ atMs }) => atMs));
  return {
    status,
    nowMs,
    credentialNotAfterMs,
    silentMs: guards.silentMs,
    oldestResultMs: Number.isFinite(oldest) ? Math.max(0, dispatcher.now() - oldest) : 0,
    staleness: [...health.staleness(), ...guards.staleness()],
  };
}
