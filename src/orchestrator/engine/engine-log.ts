/** DBOS's log lines in ours: its news is our debug, its trouble is ours. */

import type { Log } from '../../shared/log.ts';

interface EngineLog {
  info(entry: unknown): void;
  debug(entry: unknown): void;
  warn(entry: unknown): void;
  error(entry: unknown): void;
}

/** It says the same of each of its connections, and at each turn of its loops. */
const AGAIN_MS = 60_000;
/** Texts kept. */
const MOST = 100;

/** What DBOS says at each turn of its loops is dropped; of its trouble the same words are told once a minute. */
export function engineLog(log: Log, now: () => number = () => performance.now()): EngineLog {
  const told = new Map<string, number>();
  const isNews = (what: string): boolean => {
    const atMs = told.get(what);
    if (atMs !== undefined && now() - atMs < AGAIN_MS) return false;
    if (told.size >= MOST) told.clear();
    told.set(what, now());
    return true;
  };
  const info = (entry: unknown): void => log.debug({ what: String(entry) }, 'engine');
  return {
    debug: () => {},
    info,
    warn: (entry) => {
      if (isNews(String(entry))) log.warn({ what: String(entry) }, 'engine warns');
      else info(entry);
    },
    error: (entry) => {
      if (isNews(String(entry))) log.error({ what: String(entry) }, 'engine failed at something');
      else info(entry);
    },
  };
}
