/** The time without a session: finds its cause, and says it once for each change, not for each attempt. */

import type { Log } from '../../shared/log.ts';
import type { Diagnosis } from './cause.ts';
import { causeOfEnd, isWorthProbing } from './end-cause.ts';
import type { Unwelcome } from './end-cause.ts';
import type { SessionEnd } from './session-end.ts';

/** A failure that looks the same may have another cause by now. */
const AGAIN_MS = 60_000;
/** What a slow attempt looks like; no failure does. */
const SLOW = 'slow';

/** What `/status` shows while there is no session. */
export interface Trouble {
  message: string;
  cause: string;
  hint: string;
}

export interface OutageOptions {
  log: Log;
  now: () => number;
  /** Looks at the way; undefined: nothing wrong on it. */
  diagnose: (signal: AbortSignal) => Promise<Diagnosis | undefined>;
  onTrouble: (trouble: Trouble) => void;
}

/** How long there was no session, and how many attempts it took. */
export interface Absence {
  away_ms: number;
  attempts: number;
}

export class Outage {
  readonly #options: OutageOptions;
  #sinceMs: number | undefined;
  #attempts = 0;
  #nextAtMs = 0;
  /** Of the last failure that was looked at. */
  #looked: { like: string; atMs: number } | undefined;
  /** What was told last. */
  #told: string | undefined;
  #probe: { stop: AbortController; done: Promise<void> } | undefined;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** A session ended, or did not begin. @param delayMs until the next attempt. */
  ended(end: SessionEnd, delayMs: number): void {
    const { log, now, onTrouble } = this.#options;
    this.#sinceMs ??= now();
    this.#nextAtMs = now() + delayMs;
    if (end.kind === 'stopped') return;
    if (end.kind === 'goAway') {
      // Planned, and told beforehand: nobody has to look.
      log.info({ reason: end.reason, next_retry_ms: delayMs }, 'session ended');
      onTrouble({ message: end.reason, cause: 'orchestrator', hint: 'Nothing to do: it connects again by itself.' });
      return;
    }
    if (end.welcomedForMs !== undefined) {
      const { code, message, welcomedForMs } = end;
      log.warn({ code, message, session_ms: welcomedForMs, next_retry_ms: delayMs }, 'session ended');
      onTrouble({ message: `${code}: ${message}`, cause: '', hint: '' });
      return;
    }
    this.#attempts += 1;
    this.#failed(end);
  }

  /** An attempt has had no answer for a while, and may go without one for longer: the way is looked at already. */
  slow(): void {
    if (this.#probe || this.#isKnown(SLOW)) return;
    this.#begin(SLOW, undefined);
  }

  /** A session began. @returns undefined if it was the first attempt of all. */
  over(): Absence | undefined {
    const { now } = this.#options;
    const absence =
      this.#sinceMs === undefined ? undefined : { away_ms: now() - this.#sinceMs, attempts: this.#attempts + 1 };
    this.#sinceMs = undefined;
    this.#attempts = 0;
    this.#looked = undefined;
    this.#told = undefined;
    this.#probe?.stop.abort();
    return absence;
  }

  /** Ends what is under way; resolves when nothing is. */
  async stop(): Promise<void> {
    this.#probe?.stop.abort();
    await this.#probe?.done;
  }

  #failed(end: Unwelcome): void {
    if (!isWorthProbing(end)) {
      this.#tell(causeOfEnd(end));
      return;
    }
    const { log } = this.#options;
    // Ports and times differ from one attempt to the next; what happened does not.
    const like = `${end.code} ${end.message.replaceAll(/\d+/g, '#')}`;
    if (this.#probe || this.#isKnown(like)) {
      log.debug({ code: end.code, message: end.message, attempt: this.#attempts }, 'attempt failed');
      return;
    }
    this.#begin(like, end);
  }

  #isKnown(like: string): boolean {
    return this.#looked?.like === like && this.#options.now() - this.#looked.atMs < AGAIN_MS;
  }

  /** Looks at the way, beside the wait: a rollout under way must not wait for an explanation. */
  #begin(like: string, end: Unwelcome | undefined): void {
    this.#looked = { like, atMs: this.#options.now() };
    const stop = new AbortController();
    this.#probe = { stop, done: this.#look(end, stop.signal) };
  }

  /** @param end undefined: the attempt still waits, and where the way is open there is nothing to tell. */
  async #look(end: Unwelcome | undefined, signal: AbortSignal): Promise<void> {
    const found = await this.#options.diagnose(signal).catch(() => undefined);
    this.#probe = undefined;
    const diagnosis = found ?? (end && causeOfEnd(end));
    if (!signal.aborted && diagnosis) this.#tell(diagnosis);
  }

  #tell(diagnosis: Diagnosis): void {
    const { log, now, onTrouble } = this.#options;
    const { cause, code, detail: message, hint } = diagnosis;
    const next_retry_ms = Math.max(0, Math.round(this.#nextAtMs - now()));
    const fields = { cause, code, message, hint, attempt: this.#attempts, next_retry_ms };
    const key = `${cause} ${code}`;
    if (key === this.#told) log.debug(fields, 'attempt failed');
    else log.warn(fields, 'cannot connect');
    this.#told = key;
    onTrouble({ message, cause, hint });
  }
}
