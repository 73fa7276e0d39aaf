/** The orchestrator as a process: configured, started, stopped cleanly on SIGTERM and SIGINT, its outcome an exit code. */

import packageJson from '../../package.json' with { type: 'json' };
import { SluiceError, messageOf } from '../shared/errors.ts';
import { createLog } from '../shared/log.ts';
import type { Log } from '../shared/log.ts';
import { logProcessFaults } from '../shared/process-faults.ts';
import { readConfig } from './config.ts';
import type { OrchestratorConfig } from './config.ts';
import { startOrchestrator } from './orchestrator.ts';
import type { Orchestrator } from './orchestrator.ts';

/** Longer than everything's own limit; past it the embedded database is left to be adopted. */
const STOP_LIMIT_MS = 5_000;

const EXIT = { ok: 0, failed: 1, config: 2 } as const;

/**
 * Runs until it is told to stop; ends the process.
 * @param stopping aborted, with the signal's name as its reason, when the process is asked to end.
 * @param onReady once everything serves.
 */
export async function serve(
  environment: Readonly<Record<string, string | undefined>>,
  stopping: AbortSignal,
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
  logProcessFaults(log);
  const stopped = limitStop(stopping, log);
  let orchestrator: Orchestrator;
  try {
    orchestrator = await startOrchestrator(config, log, stopping);
  } catch (error) {
    if (stopping.aborted && error === stopping.reason) end(log);
    log.fatal({ err: error instanceof SluiceError ? error : messageOf(error) }, 'orchestrator could not start');
    process.exit(EXIT.failed);
  }
  const { agentAddress, apiUrl } = orchestrator;
  const { version } = packageJson;
  log.info({ version, api: apiUrl, agents: agentAddress, tls: !config.agents.plaintext }, 'orchestrator is ready');
  onReady();
  const lost = await Promise.race([orchestrator.lost, stopped]);
  if (lost === undefined) return stop(orchestrator, log);
  log.fatal({ err: lost }, 'orchestrator stops at once');
  process.exit(EXIT.failed);
}

/** Settles once the process is asked to end; from then on there is a limit to how long that may take. */
function limitStop(stopping: AbortSignal, log: Log): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const begin = (): void => {
    log.info({ signal: String(stopping.reason) }, 'orchestrator is stopping');
    setTimeout(() => process.exit(EXIT.failed), STOP_LIMIT_MS).unref();
    resolve();
  };
  if (stopping.aborted) begin();
  else stopping.addEventListener('abort', begin, { once: true });
  return promise;
}

async function stop(orchestrator: Orchestrator, log: Log): Promise<never> {
  try {
    await orchestrator.stop();
  } catch (err) {
    log.error({ err }, 'orchestrator did not stop cleanly');
    process.exit(EXIT.failed);
  }
  end(log);
}

function end(log: Log): never {
  log.info({}, 'orchestrator has stopped');
  process.exit(EXIT.ok);
}
