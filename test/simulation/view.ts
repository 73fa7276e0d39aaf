/** What the orchestrator has been told: the agent's records as they arrive, and how far they can be believed. */

import type { KindName, ObjectRecord } from '../../src/protocol/records.ts';
import type { World } from '../../src/orchestrator/rollout/model.ts';

export class View implements World {
  /** A session is there, and its first complete batch has come. */
  isConnected = false;
  readonly blind = new Set<KindName>();
  #kinds = new Map<KindName, Map<string, ObjectRecord>>();
  /** Uids of what is gone: a late answer brings nothing back. */
  #gone = new Set<string>();

  see<K extends KindName>(kind: K, name: string): ObjectRecord<K> | 'absent' | 'unknown' {
    if (!this.isLive(kind)) return 'unknown';
    const record = this.#kinds.get(kind)?.get(name);
    return record === undefined ? 'absent' : (record as ObjectRecord<K>);
  }

  all<K extends KindName>(kind: K): ObjectRecord<K>[] {
    return [...(this.#kinds.get(kind)?.values() ?? [])] as ObjectRecord<K>[];
  }

  isLive(kind: KindName): boolean {
    return this.isConnected && !this.blind.has(kind);
  }

  clear(kind?: KindName): void {
    if (kind === undefined) this.#kinds.clear();
    else this.#kinds.delete(kind);
  }

  /** Of one object the newest counts: a write's answer may be faster than the watch, and slower. */
  put(record: ObjectRecord): void {
    const known = this.#kinds.get(record.kind) ?? new Map<string, ObjectRecord>();
    const before = known.get(record.name);
    if (this.#gone.has(record.uid)) return;
    if (before?.uid === record.uid && Number(before.resourceVersion) > Number(record.resourceVersion)) return;
    known.set(record.name, record);
    this.#kinds.set(record.kind, known);
  }

  remove(kind: KindName, name: string): void {
    const record = this.#kinds.get(kind)?.get(name);
    if (record !== undefined) this.#gone.add(record.uid);
    this.#kinds.get(kind)?.delete(name);
  }
}
