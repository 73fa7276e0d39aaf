/** One workflow's record of its steps: read once when it begins, added to as it goes on. */

import { pause } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { listSteps, recordStep, type StepRow } from '../store/steps.ts';
import type { Store } from '../store/store.ts';

/** The workflow does other than what was recorded, or another process runs it too: it must not go on. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

export interface JournalOptions {
  store: Store;
  workflowId: string;
  log: Log;
  /** Ends the wait for a database that does not answer. */
  stopping: AbortSignal;
}

/** A database that is away comes back, or ends this process: see `OpenStore.lost`. */
const AGAIN_MS = 1_000;

export class Journal {
  readonly #options: JournalOptions;
  readonly #recorded: Map<number, StepRow>;
  #steps = 0;

  private constructor(options: JournalOptions, recorded: StepRow[]) {
    this.#options = options;
    this.#recorded = new Map(recorded.map((row) => [row.number, row]));
  }

  static async open(options: JournalOptions): Promise<Journal> {
    const recorded = await answered(options, 'steps are read', () => listSteps(options.store, options.workflowId));
    return new Journal(options, recorded);
  }

  /**
   * Does something once: what is recorded is returned, or thrown, as it was.
   * First time and replay get the same value, the one that went through JSON.
   * @throws JournalError when the record is of another step.
   */
  async step<T>(name: string, act: () => Promise<T>): Promise<T> {
    const number = ++this.#steps;
    const known = this.#recorded.get(number);
    const row = known ?? (await this.#do(number, name, act));
    // Read once: a workflow of days does not keep them all.
    this.#recorded.delete(number);
    if (row.name !== name) {
      const { workflowId } = this.#options;
      throw new JournalError(
        `step ${number} of ${workflowId} was recorded as "${row.name}" and is now "${name}": the release changed under it`,
      );
    }
    if (row.error !== null) throw asError(row.error);
    return fromJson(row.output) as T; // what the act of this step returned, then or now
  }

  /** True if the workflow came to this place with the change, or comes to it now for the first time. */
  async patched(change: string): Promise<boolean> {
    const name = `patched ${change}`;
    const next = this.#recorded.get(this.#steps + 1);
    if (next !== undefined && next.name !== name) return false;
    await this.step(name, () => Promise.resolve());
    return true;
  }

  async #do(number: number, name: string, act: () => Promise<unknown>): Promise<StepRow> {
    const { store, workflowId } = this.#options;
    const row: StepRow = { workflowId, number, name, output: null, error: null };
    try {
      row.output = toJson(await act());
    } catch (error) {
      row.error = JSON.stringify({ name: error instanceof Error ? error.name : 'Error', message: messageOf(error) });
    }
    if (await answered(this.#options, 'a step is recorded', () => recordStep(store, row))) return row;
    throw new JournalError(`step ${number} of ${workflowId} was recorded by another process: it runs there`);
  }
}

/** Asks until the database answers: what is done already must not be lost, nor the run fail, for a connection that broke. */
async function answered<T>(
  { log, stopping, workflowId }: JournalOptions,
  what: string,
  ask: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (err) {
      if (stopping.aborted) throw err;
      log.warn({ err, workflow: workflowId, what }, 'the database does not answer a run: trying again');
      await pause(AGAIN_MS, stopping);
    }
  }
}

/** JSON has no word for these, and a metric can be infinite. */
const NUMBER = '$number';

function toJson(value: unknown): string | null {
  const text = JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'number' && !Number.isFinite(each) ? { [NUMBER]: String(each) } : each,
  ) as string | undefined;
  return text ?? null;
}

function fromJson(text: string | null): unknown {
  if (text === null) return undefined;
  // A reviver is called for every value: most records need none.
  if (!text.includes(`"${NUMBER}"`)) return JSON.parse(text);
  return JSON.parse(text, (_key, each: unknown) => (isNumber(each) ? Number(each[NUMBER]) : each));
}

function isNumber(value: unknown): value is { [NUMBER]: string } {
  if (typeof value !== 'object' || value === null || !(NUMBER in value)) return false;
  return Object.keys(value).length === 1 && ['Infinity', '-Infinity', 'NaN'].includes(String(value[NUMBER]));
}

function asError(text: string): Error {
  const { name, message } = JSON.parse(text) as { name: string; message: string };
  return Object.assign(new Error(message), { name });
}
