/** DBOS's log lines in ours: its news is our debug, its trouble is ours. */

import type { Log } from '../../shared/log.ts';

interface EngineLog {
  info(entry: unknown): void;
  debug(entry: unknown): void;
  warn(entry: unknown): void;
  error(entry: unknown): void;
}

/** What DBOS says at each turn of its loops is dropped. */
export function engineLog(log: Log): EngineLog {
  return {
    debug: () => {},
    info: (entry) => log.debug({ what: String(entry) }, 'engine'),
    warn: (entry) => log.warn({ what: String(entry) }, 'engine warns'),
    error: (entry) => log.error({ what: String(entry) }, 'engine failed at something'),
  };
}
