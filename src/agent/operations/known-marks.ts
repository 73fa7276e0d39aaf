/** The marks that passed by, so that the check before a write costs no request. */

/** Of objects whose marks are kept; the one heard of longest ago goes first. */
const KEPT = 10_000;

export class KnownMarks {
  /** By `keyOf`, longest unheard of first. */
  #marks = new Map<string, number>();

  /** @returns undefined where nothing is known; 0 for an object that carries none. */
  get(key: string): number | undefined {
    return this.#marks.get(key);
  }

  /** A read showed this mark. A read may be older than a write that was answered first, so it never lowers what is known. */
  seen(key: string, mark: number): void {
    this.written(key, Math.max(mark, this.#marks.get(key) ?? 0));
  }

  /** Our own write left this mark. */
  written(key: string, mark: number): void {
    this.#marks.delete(key);
    this.#marks.set(key, mark);
    const oldest = this.#marks.size > KEPT ? this.#marks.keys().next().value : undefined;
    if (oldest !== undefined) this.#marks.delete(oldest);
  }

  /** The object is gone. */
  forget(key: string): void {
    this.#marks.delete(key);
  }

  /** Another agent may have written meanwhile. */
  clear(): void {
    this.#marks.clear();
  }
}
