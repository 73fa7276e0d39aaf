/** A whole orchestrator in the test's own process, on free loopback ports, that says nothing. */

import { readConfig } from '../../src/orchestrator/config.ts';
import { startOrchestrator } from '../../src/orchestrator/orchestrator.ts';
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import { silentLog } from '../../src/shared/log.ts';

/** @param folder for its data. @param more of its environment, over what it gets. */
export function startOrchestratorHere(folder: string, more: Record<string, string> = {}): Promise<Orchestrator> {
  const config = readConfig({
    SLUICE_DATA_DIR: folder,
    SLUICE_API_ADDRESS: '127.0.0.1:0',
    SLUICE_AGENT_ADDRESS: '127.0.0.1:0',
    SLUICE_LOG_LEVEL: 'silent',
    ...more,
  });
  return startOrchestrator(config, silentLog);
}
