/** Says that an agent is refused: once for each account and cause, not for each of its tries. */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { REFUSAL_CODES } from './refusal.ts';
import type { Refusal } from './refusal.ts';

export interface RefusalFacts {
  /** Undefined: a credential that is nobody's. */
  account: string | undefined;
  peer: string;
  code: Refusal['code'];
  /** As the agent is told. */
  reason: string;
}

/** A reason may hold a name that a stranger chose. */
const MOST = 1000;
/** Whoever reads only the last hours of a log is to find it too. */
const AGAIN_MS = 3_600_000;

export class RefusalLog {
  readonly #log: Log;
  readonly #clock: Clock;
  /** By account and code: what was told, when, and how often it happened. */
  readonly #told = new Map<string, { cause: string; atMs: number; attempts: number }>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  refused({ account, peer, code, reason }: RefusalFacts): void {
    const nowMs = this.#clock.now();
    // Numbers in a reason are times and versions: the same cause.
    const cause = reason.replaceAll(/\d+/g, '#');
    // Of nobody's credentials each reason counts for itself: several strangers must not drown each other.
    const key = keyOf(account, account === undefined ? `${code} ${cause}` : code);
    if (this.#told.size > MOST) this.#told.clear();
    const before = this.#told.get(key);
    const attempts = before?.cause === cause ? before.attempts + 1 : 1;
    const fields = { account, peer, code, reason, attempts };
    if (before?.cause === cause && nowMs - before.atMs < AGAIN_MS) {
      before.attempts = attempts;
      this.#log.debug(fields, 'agent refused');
      return;
    }
    this.#told.set(key, { cause, atMs: nowMs, attempts });
    this.#log.warn(fields, 'agent refused');
  }

  /** It got in: the next refusal is news. */
  admitted(account: string): void {
    for (const code of REFUSAL_CODES) this.#told.delete(keyOf(account, code));
  }
}

function keyOf(account: string | undefined, code: string): string {
  return `${code} ${account ?? ''}`;
}
