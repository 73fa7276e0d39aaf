/** Child workflows that are asked for side by side, started and collected in an order that each replay repeats. */

interface Handle {
  getResult(options?: { pollingIntervalMs?: number }): Promise<unknown>;
}

type Start = (name: string, workflowId: string, input: unknown) => Promise<Handle>;

interface Call {
  name: string;
  workflowId: string;
  input: unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** Only of a parent that was resumed: in the process that started the child there is a promise. */
export const RESULT_POLL_MS = 200;

/**
 * DBOS numbers every call of a workflow, and a replay must give each the same number. Were each child's result awaited
 * as soon as it was started, the numbers would follow the children's speed. So what is asked for in one go is
 * started in its order, then collected in its order.
 */
export class Children {
  readonly #start: Start;
  /** By the parent's id: two workflows that ask in the same moment must not share a batch. */
  readonly #batches = new Map<string, Call[]>();
  readonly #parent: () => string | undefined;

  constructor(start: Start, parent: () => string | undefined) {
    this.#start = start;
    this.#parent = parent;
  }

  call<O>(name: string, workflowId: string, input: unknown): Promise<O> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const parent = this.#parent();
    if (!parent) throw new Error(`child workflow ${name} is asked for outside a workflow`);
    const batch = this.#batches.get(parent);
    const call = { name, workflowId, input, resolve, reject };
    if (batch) batch.push(call);
    else {
      const calls = [call];
      this.#batches.set(parent, calls);
      queueMicrotask(() => {
        this.#batches.delete(parent);
        void this.#run(calls);
      });
    }
    return promise as Promise<O>;
  }

  async #run(calls: Call[]): Promise<void> {
    const started: { call: Call; handle: Handle }[] = [];
    for (const call of calls) {
      try {
        started.push({ call, handle: await this.#start(call.name, call.workflowId, call.input) });
      } catch (error) {
        call.reject(error);
      }
    }
    for (const { call, handle } of started) {
      await handle.getResult({ pollingIntervalMs: RESULT_POLL_MS }).then(call.resolve, call.reject);
    }
  }
}
