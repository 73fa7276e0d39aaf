/** Says once that a target is stalled, why, and what to do; ends the watch when that lasts and nobody waits for it. */

import type { CommandContext } from './context.ts';
import { EXIT } from './exit-code.ts';
import type { StreamedRollout } from './follow.ts';
import { newStalls, patienceEndsMs, stallsAfter, type Stalls } from './stalls.ts';

/** A stalled run tries again every 10 s: what two tries put right was no stall. */
const STALL_GRACE_MS = 25_000;

export class StallWatch {
  readonly #context: CommandContext;
  readonly #note: (text: string) => void;
  readonly #id: string;
  readonly #exits: boolean;
  readonly #leave = new AbortController();
  #stalls: Stalls = new Map();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param note tells the person who watches.
   * @param exits whether a stall that lasts ends the watch.
   */
  constructor(context: CommandContext, note: (text: string) => void, id: string, exits: boolean) {
    this.#context = context;
    this.#note = note;
    this.#id = id;
    this.#exits = exits;
  }

  /** Aborts when a stall has lasted. */
  get leave(): AbortSignal {
    return this.#leave.signal;
  }

  see(rollout: StreamedRollout): void {
    const nowMs = this.#context.now();
    const before = this.#stalls;
    this.#stalls = stallsAfter(before, rollout, nowMs);
    if (this.#stalls === before) return;
    for (const { target, reason } of newStalls(before, this.#stalls)) this.#note(this.#words(target, reason));
    this.stop();
    const endsMs = patienceEndsMs(this.#stalls, STALL_GRACE_MS);
    if (this.#exits && endsMs !== undefined) this.#timer = setTimeout(() => this.#leave.abort(), endsMs - nowMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #words(target: string, reason: string): string {
    const exit = this.#exits ? `This command ends with ${EXIT.stalled} unless that happens soon.` : 'Waiting for that.';
    return `${target} is stalled: ${reason}\nA person has to put that right; it then goes on by itself (sluice status ${this.#id}). ${exit}`;
  }
}
