/** Which workloads are watched, what was last seen of each, and who wants to know. */

import { isDeepStrictEqual } from 'node:util';
import type { Snapshot, Watch } from '../../protocol/snapshot.ts';

type Listener = (snapshot: Snapshot | undefined) => void;

export class WatchDesk {
  readonly #watches = new Map<string, { account: string; watch: Watch }>();
  readonly #latest = new Map<string, Snapshot>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #changed: (account: string) => void;

  /** @param changed told when an account's set is another one. */
  constructor(changed: (account: string) => void) {
    this.#changed = changed;
  }

  /** The same watch again changes nothing: a resumed run asks for what it had. */
  set(account: string, watch: Watch): void {
    const known = this.#watches.get(watch.id);
    if (known?.account === account && isDeepStrictEqual(known.watch, watch)) return;
    this.#watches.set(watch.id, { account, watch });
    // What was seen of other objects says nothing of these.
    this.#latest.delete(watch.id);
    if (known && known.account !== account) this.#changed(known.account);
    this.#changed(account);
  }

  remove(account: string, watchId: string): void {
    if (this.#watches.get(watchId)?.account !== account) return;
    this.#watches.delete(watchId);
    this.#latest.delete(watchId);
    this.#changed(account);
  }

  of(account: string): Watch[] {
    return [...this.#watches.values()].filter((entry) => entry.account === account).map((entry) => entry.watch);
  }

  latest(watchId: string): Snapshot | undefined {
    return this.#latest.get(watchId);
  }

  listen(watchId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(watchId) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(watchId, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(watchId) === listeners) this.#listeners.delete(watchId);
    };
  }

  /** Of another account's watch, or of one that is over, nothing is heard: a credential speaks for its own cluster. */
  take(account: string, snapshot: Snapshot): void {
    if (this.#watches.get(snapshot.watchId)?.account !== account) return;
    this.#latest.set(snapshot.watchId, snapshot);
    this.#tell(snapshot.watchId, snapshot);
  }

  /** The agent is away: what it saw last is not what is. */
  forget(account: string): void {
    for (const [id, entry] of this.#watches) {
      if (entry.account !== account) continue;
      this.#latest.delete(id);
      this.#tell(id, undefined);
    }
  }

  #tell(watchId: string, snapshot: Snapshot | undefined): void {
    for (const listener of this.#listeners.get(watchId) ?? []) listener(snapshot);
  }
}
