/** The orchestrator as a process: configured, started, stopped cleanly on SIGTERM and SIGINT, its outcome an exit code. */

import { SluiceError, messageOf } from '../shared/errors.ts';
import { createLog } from '../shared/log.ts';
import type { Log } from '../shared/log.ts';
import { readConfig } from './config.ts';
import type { OrchestratorConfig } from './config.ts';
import { startOrchestrator } from './orchestrator.ts';
import type { Orchestrator } from './orchestrator.ts';

/** Longer than everything's own limit; past it the embedded database is left to be adopted. */
const STOP_LIMIT_MS = 5_000;

const EXIT = { ok: 0, failed: 1, config: 2 } as const;

/**
 * Runs until it is told to stop; ends the process.
 * @param onReady once everything serves.
 */
export async function serve(
  environment: Readonly<Record<string, string | undefined>>,
  onReady: () => void,
): Promise<void> {
  let config: OrchestratorConfig;
  try {
    config = readConfig(environment);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = EXIT.config;
    return;
  }
  const log = createLog({ name: 'orchestrator', ...config.log });
  quietWarnings(log);
  try {
    const orchestrator = await startOrchestrator(config, log);
    stopOnSignals(orchestrator, log);
    const { agentAddress, apiUrl } = orchestrator;
    log.info({ api: apiUrl, agents: agentAddress, tls: !config.agents.plaintext }, 'orchestrator is ready');
    onReady();
    const lost = await orchestrator.lost;
    log.fatal({ err: lost }, 'orchestrator stops at once');
    process.exit(EXIT.failed);
  } catch (error) {
    log.fatal({ err: error instanceof SluiceError ? error : messageOf(error) }, 'orchestrator could not start');
    process.exit(EXIT.failed);
  }
}

function stopOnSignals(orchestrator: Orchestrator, log: Log): void {
  let isStopping = false;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (isStopping) process.exit(EXIT.failed); // asked twice: now
    isStopping = true;
    log.info({ signal }, 'orchestrator is stopping');
    setTimeout(() => process.exit(EXIT.failed), STOP_LIMIT_MS).unref();
    try {
      await orchestrator.stop();
      log.info({}, 'orchestrator has stopped');
      process.exit(EXIT.ok);
    } catch (err) {
      log.error({ err }, 'orchestrator did not stop cleanly');
      process.exit(EXIT.failed);
    }
  };
  process.on('SIGTERM', (signal) => void stop(signal));
  process.on('SIGINT', (signal) => void stop(signal));
}

/** Node prints warnings of libraries (pg's, of what DBOS does) on standard error, where nobody can act on them. */
function quietWarnings(log: Log): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.debug({ detail: warning.message }, 'runtime warning'));
}
