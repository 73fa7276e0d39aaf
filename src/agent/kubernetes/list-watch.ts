/** Keeps a reduced copy of one resource of one namespace: paged list, then watch with bookmarks, and again after whatever ends it. */

import type { Clock } from '../../shared/clock.ts';
import { nextDelay } from '../../shared/backoff.ts';
import { pause } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';
import { messageOf } from '../../shared/errors.ts';
import type { KubeApi } from './kube-api.ts';
import { KubeError } from './kube-error.ts';
import { readWatchEvents } from './watch-events.ts';

/**
 * `starting`: nothing is followed yet. `live`: the API server has taken the watch, and the copy follows the cluster. `broken`:
 * it did, and does not now, or has been silent for too long. `absent`: the cluster does not serve the resource. `forbidden`:
 * the agent's Role does not allow it (any more): what was seen before is kept, since it has not gone.
 */
export type ListWatchState = 'starting' | 'live' | 'broken' | 'absent' | 'forbidden';

export interface ListWatchOptions<R> {
  api: KubeApi;
  clock: Clock;
  log: Log;
  random: () => number;
  /** For logs and messages: `pods in shop`. */
  what: string;
  /** Path of the list; undefined when the cluster serves no version of it. Asked again at each list. */
  path: () => Promise<string | undefined>;
  /** Only the objects it names. Default: all. */
  labelSelector?: string;
  /** False: what is absent is looked for again at `revisit` alone, so that an idle agent asks nothing. Default: true. */
  revisits?: boolean;
  /** Cuts an object down at once, so that the whole one is never kept. `previous`: what is kept of it so far. */
  reduce: (object: KubeObject, previous: R | undefined) => R;
  /** Called at each change of one entry; `previous` or `next` is undefined for one that came or went. */
  onChange: (key: string, previous: R | undefined, next: R | undefined) => void;
  /** Called when the state has changed, and when a list is done. */
  onState: (state: ListWatchState, reason: string) => void;
  /** A whole list of so many objects was read and cut down. */
  onListed?: (objects: number) => void;
}

/** Objects per page: at 500 the first list of 2000 pods took 18 MB more at its peak, and the peak is what stays resident. */
const PAGE = 100;
/** Bookmarks come about once a minute: silence for longer means that the watch is dead, and the picture is said to be old. */
const SILENCE_MS = 90_000;
/** A watch that ends sooner was none. */
const BRIEF_MS = 1000;
const RESTART = { baseMs: 1000, capMs: 30_000 };
/** How long until a resource that was absent or forbidden is looked for again by itself. */
const REVISIT_MS = 60_000;
/** The longest a timer can wait. */
const NEVER_MS = 2 ** 31 - 1;

export class ListWatch<R> {
  /** By object name. */
  readonly entries = new Map<string, R>();
  state: ListWatchState = 'starting';
  /** A first list was done: `entries` shows the cluster as it is, or was when the watch broke. */
  listed = false;
  reason = '';

  /** When it entered its state. */
  #sinceMs: number;
  #options: ListWatchOptions<R>;
  #resourceVersion = '';
  /** Where it was listed: the watch goes on there, and asks nobody where that is. */
  #path = '';
  #wake = new AbortController();

  constructor(options: ListWatchOptions<R>) {
    this.#options = options;
    this.#sinceMs = options.clock.now();
  }

  /** How long the copy has not followed the cluster; 0: it does, or there is nothing to follow. */
  get staleMs(): number {
    if (this.state === 'live' || this.state === 'absent') return 0;
    return Math.max(0, this.#options.clock.now() - this.#sinceMs);
  }

  /** Looks again at once, if it waits for a resource that was absent or forbidden. */
  revisit(): void {
    if (this.state === 'absent' || this.state === 'forbidden') this.#wake.abort();
  }

  /** Runs until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { random } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      const startedMs = this.#options.clock.now();
      try {
        if (this.#resourceVersion === '') await this.#list(signal);
        await this.#watch(signal);
        if (this.#options.clock.now() - startedMs > BRIEF_MS) failures = 0;
        else {
          // A proxy that ends every watch at once must not make us ask in a tight loop; and what happens between two is not seen.
          if (failures > 0) this.#enter('broken', brief(this.#options.what));
          await pause(nextDelay(failures++, RESTART, random), signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (this.#options.clock.now() - startedMs > RESTART.capMs) failures = 0;
        await this.#recover(error, failures++, signal);
      }
    }
  }

  /** Decides what a failure means, tells it, and waits for the next start. */
  async #recover(error: unknown, failures: number, signal: AbortSignal): Promise<void> {
    const { log, random, what } = this.#options;
    const status = error instanceof KubeError ? error.status : 0;
    if (status === 410) {
      // The version we had is compacted away: list anew, at once the first time. Until then something is missing.
      this.#resourceVersion = '';
      this.#enter('broken', messageOf(error));
      if (failures > 0) await pause(nextDelay(failures, RESTART, random), signal);
      return;
    }
    if (status === 404 && this.#resourceVersion !== '') {
      // No longer served where it was listed: the list asks whether it is elsewhere.
      this.#resourceVersion = '';
      return;
    }
    if (status === 404 || status === 403) {
      this.#resourceVersion = '';
      if (status === 404) {
        this.#replace(new Map());
        this.#enter('absent', '');
      } else this.#enter('forbidden', messageOf(error));
      this.#wake = new AbortController();
      const delayMs =
        status === 404 && this.#options.revisits === false ? NEVER_MS : REVISIT_MS * (0.75 + random() / 2);
      await pause(delayMs, AbortSignal.any([signal, this.#wake.signal]));
      return;
    }
    // One cut of a healthy watch is everyday life (API server restart): back within a moment, and only then with backoff.
    const delayMs = failures === 0 ? Math.floor(random() * 250) : nextDelay(failures, RESTART, random);
    this.#enter('broken', messageOf(error));
    log.debug({ what, next_retry_ms: delayMs, err: error }, 'watch restarts');
    await pause(delayMs, signal);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { api, what, reduce, labelSelector } = this.#options;
    const path = await this.#options.path();
    if (path === undefined) throw notServed(what);
    const fresh = new Map<string, R>();
    let page: ListPage | undefined;
    do {
      const query = { limit: PAGE, continue: page?.metadata.continue, labelSelector };
      page = await api.call<ListPage>({ method: 'GET', path, query, what: `list ${what}`, signal });
      for (const item of page.items) {
        const { name } = item.metadata;
        fresh.set(name, reduce(item, this.entries.get(name)));
      }
    } while (page.metadata.continue);
    this.#replace(fresh);
    this.listed = true;
    this.#options.onListed?.(fresh.size);
    // Who waits for the list alone need not wait for the watch, which can be slow to open.
    this.#options.onState(this.state, this.reason);
    this.#resourceVersion = page.metadata.resourceVersion ?? '';
    this.#path = path;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { api, clock, random, what, labelSelector } = this.#options;
    const path = this.#path;
    const silence = new AbortController();
    const both = AbortSignal.any([signal, silence.signal]);
    let cancel = clock.after(SILENCE_MS, () => silence.abort());
    const query = {
      watch: true,
      allowWatchBookmarks: true,
      labelSelector,
      resourceVersion: this.#resourceVersion,
      // Spread, so that an agent's watches do not all end together.
      timeoutSeconds: 240 + Math.floor(random() * 240),
    };
    try {
      const answer = await api.open({ method: 'GET', path, query, what: `watch ${what}`, signal: both });
      this.#enter('live', '');
      for await (const event of readWatchEvents(answer, what, both)) {
        cancel();
        cancel = clock.after(SILENCE_MS, () => silence.abort());
        this.#take(event.type, event.object);
      }
    } catch (error) {
      throw silence.signal.aborted && !signal.aborted ? silent(what) : error;
    } finally {
      cancel();
    }
  }

  #take(type: string, object: KubeObject): void {
    this.#resourceVersion = object.metadata.resourceVersion ?? this.#resourceVersion;
    if (type === 'BOOKMARK') return;
    const { name } = object.metadata;
    this.#set(name, type === 'DELETED' ? undefined : this.#options.reduce(object, this.entries.get(name)));
  }

  /** Within one turn: who is called back and waits for its end never sees half a list. */
  #replace(fresh: Map<string, R>): void {
    for (const key of this.entries.keys()) if (!fresh.has(key)) this.#set(key, undefined);
    for (const [key, record] of fresh) this.#set(key, record);
  }

  #set(key: string, next: R | undefined): void {
    const previous = this.entries.get(key);
    if (next === undefined) this.entries.delete(key);
    else this.entries.set(key, next);
    if (previous !== undefined || next !== undefined) this.#options.onChange(key, previous, next);
  }

  #enter(state: ListWatchState, reason: string): void {
    if (this.state === state && this.reason === reason) return;
    const isTrouble = (each: ListWatchState): boolean => each === 'forbidden' || each === 'broken';
    const worthTelling = state !== this.state && (isTrouble(state) || isTrouble(this.state));
    if (state !== this.state) this.#sinceMs = this.#options.clock.now();
    this.state = state;
    this.reason = reason;
    const { what, log } = this.#options;
    if (worthTelling && isTrouble(state)) log.warn({ what, state, reason }, 'cannot watch');
    else if (worthTelling) log.info({ what, state }, 'watches again');
    this.#options.onState(state, reason);
  }
}

interface ListPage {
  metadata: { resourceVersion?: string; continue?: string };
  items: KubeObject[];
}

function silent(what: string): KubeError {
  const message = `No event and no bookmark of ${what} for ${SILENCE_MS / 1000} s: the watch is dead, and is begun anew.`;
  return new KubeError('TIMEOUT', message, { status: 0, disposition: 'retry' });
}

function brief(what: string): string {
  return `Each watch of ${what} ends at once. See what stands between the agent and the API server: a proxy must let long answers through.`;
}

function notServed(what: string): KubeError {
  return new KubeError('NOT_FOUND', `The cluster serves no ${what}.`, { status: 404, disposition: 'retry' });
}
