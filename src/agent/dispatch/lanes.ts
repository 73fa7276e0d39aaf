/** Serial lanes by key, parallel to each other, with a bound on how much runs at once. */

export interface LaneTask {
  /** All lanes it takes; none: it waits for a slot only. */
  keys: string[];
  /** Must not reject. @param leave frees its lanes before its end; the slot it keeps. */
  run(leave: () => void): Promise<void>;
}

/**
 * A task enters all its lanes in one go and runs when it is first in each. Entering in one go gives all lanes the same order,
 * so two tasks that share two lanes can't wait for each other. Tasks that are ready take slots in order of arrival.
 */
export class Lanes {
  #slots: number;
  #running = 0;
  #lanes = new Map<string, LaneTask[]>();
  #waiting: LaneTask[] = [];

  /** @param slots how many tasks run at once, over all lanes. */
  constructor(slots: number) {
    this.#slots = slots;
  }

  get running(): number {
    return this.#running;
  }

  /** Returns true if the task started at once. */
  add(task: LaneTask): boolean {
    for (const key of task.keys) {
      const lane = this.#lanes.get(key);
      if (lane) lane.push(task);
      else this.#lanes.set(key, [task]);
    }
    this.#waiting.push(task);
    this.#pump();
    return !this.#waiting.includes(task);
  }

  /** Takes a task out that has not started. Returns false if it has. */
  remove(task: LaneTask): boolean {
    const at = this.#waiting.indexOf(task);
    if (at < 0) return false;
    this.#waiting.splice(at, 1);
    this.#leave(task);
    this.#pump();
    return true;
  }

  #pump(): void {
    for (let at = 0; at < this.#waiting.length && this.#running < this.#slots;) {
      const task = this.#waiting[at]!;
      if (this.#isFirst(task)) {
        this.#waiting.splice(at, 1);
        void this.#start(task);
      } else {
        at += 1;
      }
    }
  }

  #isFirst(task: LaneTask): boolean {
    return task.keys.every((key) => this.#lanes.get(key)?.[0] === task);
  }

  async #start(task: LaneTask): Promise<void> {
    this.#running += 1;
    try {
      await task.run(() => {
        this.#leave(task);
        this.#pump();
      });
    } finally {
      // Whatever happened: a slot that leaks stops the agent for good.
      this.#running -= 1;
      this.#leave(task);
      this.#pump();
    }
  }

  #leave(task: LaneTask): void {
    for (const key of task.keys) {
      const lane = this.#lanes.get(key)?.filter((each) => each !== task) ?? [];
      if (lane.length === 0) this.#lanes.delete(key);
      else this.#lanes.set(key, lane);
    }
  }
}
