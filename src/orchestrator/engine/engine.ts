/** Durable execution behind a narrow interface of ours: a workflow that is interrupted goes on where it was, step by step. */

import { DBOS } from '@dbos-inc/dbos-sdk';
import { SluiceError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { Children, RESULT_POLL_MS } from './children.ts';
import type { OpenStore, Store } from '../store/store.ts';
import { engineLog } from './engine-log.ts';
import { Journal, JournalError } from './journal.ts';
import { hurryRecovery } from './recovery-queue.ts';

/** A workflow's function: deterministic but for its steps. Input and output are JSON. */
export type WorkflowFunction<I, O> = (input: I) => Promise<O>;

export interface EngineOptions {
  /** DBOS's tables lie in the schema `dbos` of its database, with connections of their own. */
  store: Pick<OpenStore, 'url' | keyof Store>;
  log: Log;
}

/**
 * Raised only when workflows of an older release cannot go on in this one, never for a release as such:
 * DBOS leaves a workflow of another version lying, without a word (measured). Changes within a workflow go through `patched`.
 */
const APPLICATION_VERSION = 'abi-1';
/** One replica: the same name at each start, so that a start takes up what the last process left. */
const EXECUTOR = 'local';
/** Each restart counts as one; the default of 100 would bury a canary that waits through a hundred restarts. */
const MAX_RECOVERY_ATTEMPTS = 1_000_000;
const POOL_SIZE = 10;
/** Of workflows whose steps are in our own journal; without it, of those that began when DBOS recorded steps. Stored. */
const JOURNALED = '/2';

/**
 * DBOS keeps the workflows: which there are, that each runs once, that a start takes up what was interrupted, and how each ended.
 * Steps are in a journal of ours: DBOS takes 7 statements for each (3 to look, 4 to record), on a replay 3, and each run commits
 * for itself; ours are read once when a run begins and recorded together for all runs that go on in the same moment
 * (measured: see `bench/hundred.ts`).
 */
export class Engine {
  readonly #functions = new Map<string, WorkflowFunction<unknown, unknown>>();
  readonly #children = new Children(
    (name, id, input) => this.#handle(name, id, input),
    () => DBOS.workflowID,
  );
  readonly #stopping = new AbortController();
  /** By id, of the workflows that run. */
  readonly #journals = new Map<string, Journal>();
  readonly #log: Log;
  readonly #store: EngineOptions['store'];
  #launched = false;

  /** There is one per process: DBOS is a singleton. */
  constructor(options: EngineOptions) {
    this.#log = options.log;
    this.#store = options.store;
  }

  /** Aborts when the engine stops: what waits inside a step lets go. What it throws or returns then is not recorded. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** How many workflows run in this process. */
  get running(): number {
    return this.#journals.size;
  }

  /** Names a workflow; before `launch`, since the launch resumes what was interrupted. The name is stored: it never changes. */
  register<I, O>(name: string, workflow: WorkflowFunction<I, O>): void {
    if (this.#launched) throw new Error(`workflow ${name} is registered after the launch`);
    const journaled = async (input: I): Promise<O> => this.#journaled(() => workflow(input));
    for (const [named, act] of [
      [name, workflow],
      [name + JOURNALED, journaled],
    ] as const) {
      const registered = DBOS.registerWorkflow(act, { name: named, maxRecoveryAttempts: MAX_RECOVERY_ATTEMPTS });
      this.#functions.set(named, registered as WorkflowFunction<unknown, unknown>);
    }
  }

  /** Brings the engine's tables up to date and resumes every interrupted workflow. */
  async launch(): Promise<void> {
    DBOS.setConfig({
      name: 'sluice',
      applicationVersion: APPLICATION_VERSION,
      executorID: EXECUTOR,
      enablePatching: true,
      systemDatabaseUrl: this.#store.url,
      systemDatabasePoolSize: POOL_SIZE,
      // It is for messages and streams, which we do not use; its self-test alone takes 0.1 s of each start.
      useListenNotify: false,
      enableOTLP: false,
      logger: engineLog(this.#log),
    });
    const relax = hurryRecovery();
    await DBOS.launch();
    relax();
    this.#launched = true;
  }

  /** Starts a workflow in the background. The same id again is the same workflow: nothing is started. */
  async start(name: string, workflowId: string, input: unknown): Promise<void> {
    await this.#handle(name + JOURNALED, workflowId, input);
  }

  /**
   * Inside a workflow: starts another and waits for its end. Calls made in one go (`Promise.all`) run side by side.
   * @throws what the child throws.
   */
  child<O>(name: string, workflowId: string, input: unknown): Promise<O> {
    return this.#children.call<O>(this.#journal === undefined ? name : name + JOURNALED, workflowId, input);
  }

  /**
   * Inside a workflow: does something once. Recorded when it is done (or has thrown): a replay gets the record.
   * Interrupted, it is done again, so it must bear repetition. It may take hours; there is no limit of time.
   * @param name stored, and compared at a replay: the same steps in the same order, or the workflow fails.
   */
  async step<T>(name: string, act: () => Promise<T>): Promise<T> {
    const journal = this.#journal;
    const once = (): Promise<T> => this.#unlessStopping(act);
    return journal === undefined ? DBOS.runStep(once, { name }) : this.#parked(() => journal.step(name, once));
  }

  /** Inside a workflow: true if it began with this change in place, or has not come to it yet. */
  async patched(change: string): Promise<boolean> {
    const journal = this.#journal;
    return journal === undefined ? DBOS.patch(change) : this.#parked(() => journal.patched(change));
  }

  /** Waits for a workflow's end. @throws what it throws. */
  async result<O>(workflowId: string): Promise<O> {
    return await DBOS.retrieveWorkflow<O>(workflowId).getResult({ pollingIntervalMs: RESULT_POLL_MS });
  }

  /** Ids of workflows that are neither done nor failed. */
  async pending(): Promise<string[]> {
    const found = await DBOS.listWorkflows({ status: ['PENDING', 'ENQUEUED'], loadInput: false, loadOutput: false });
    return found.map((workflow) => workflow.workflowID);
  }

  /** Removes what is known of workflows that have ended; ids of others are passed over, and so are unknown ones. */
  async forget(workflowIds: string[]): Promise<void> {
    const found = await DBOS.listWorkflows({ workflowIDs: workflowIds, loadInput: false, loadOutput: false });
    const ended = found.filter(({ status }) => status !== 'PENDING' && status !== 'ENQUEUED' && status !== 'DELAYED');
    if (ended.length > 0) await DBOS.deleteWorkflows(ended.map(({ workflowID }) => workflowID));
  }

  /** Leaves everything as it is, to be resumed by the next launch. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    if (!this.#launched) return;
    this.#launched = false;
    await DBOS.shutdown({ deregister: true });
  }

  get #journal(): Journal | undefined {
    return this.#journals.get(DBOS.workflowID ?? '');
  }

  async #journaled<O>(workflow: () => Promise<O>): Promise<O> {
    const workflowId = DBOS.workflowID ?? '';
    const [store, log, stopping] = [this.#store, this.#log, this.#stopping.signal];
    const journal = await this.#unlessStopping(() => Journal.open({ store, workflowId, log, stopping }));
    this.#journals.set(workflowId, journal);
    try {
      return await workflow();
    } finally {
      this.#journals.delete(workflowId);
    }
  }

  /**
   * A workflow that cannot go on in this process stays where it is, and says so: the run's code hears nothing of it, so it
   * does not take it for a fault of the canary. A release that fits, or the other process, goes on with it.
   */
  async #parked<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (this.#stopping.signal.aborted) return await never();
      if (!(error instanceof JournalError)) throw error;
      this.#log.error({ err: error }, 'run cannot go on in this process');
      return await never();
    }
  }

  #handle(name: string, workflowId: string, input: unknown): ReturnType<typeof startWorkflow> {
    const workflow = this.#functions.get(name);
    if (!workflow) throw new SluiceError('INTERNAL', `There is no workflow named ${name}.`);
    return startWorkflow(workflow, workflowId, input);
  }

  /** What ends because we stop is not how the step ended: it stays open, and the next process does it again. */
  async #unlessStopping<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (this.#stopping.signal.aborted) return await never();
      throw error;
    }
  }
}

function startWorkflow(workflow: WorkflowFunction<unknown, unknown>, workflowID: string, input: unknown) {
  return DBOS.startWorkflow(workflow, { workflowID })(input);
}

function never(): Promise<never> {
  return new Promise(() => {});
}
