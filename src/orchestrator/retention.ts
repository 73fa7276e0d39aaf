/** Keeps the database from growing for ever: takes away what is old, a little at a time, beside the runs. */

import type { Clock } from '../shared/clock.ts';
import type { Log } from '../shared/log.ts';
import type { Engine } from './engine/engine.ts';
import { deleteOldAudit } from './store/audit.ts';
import { deleteDeployments, deleteWork, finished, finishedWithWork, type Finished } from './store/retention.ts';
import type { Store } from './store/store.ts';
import { deleteOldTokens } from './store/tokens.ts';

export interface RetentionOptions {
  store: Store;
  engine: Pick<Engine, 'forget'>;
  clock: Clock;
  log: Log;
  /** Days after its end that a deployment is listed, with its events; also of the audit, and of tokens that ended. */
  historyDays: number;
  /** Days after its end that what its run worked with is kept: steps and operations, with the objects in them. */
  workDays: number;
}

const DAY_MS = 24 * 60 * 60 * 1_000;
/** A start has other things to do: runs go on first. */
const FIRST_MS = 60_000;
/** Deployments in one statement: milliseconds of work, on one connection, on rows that no run reads. */
const BATCH = 20;

/** Prunes soon after the start and then daily. @returns the way to stop, which waits for a statement under way. */
export function startRetention(options: RetentionOptions): () => Promise<void> {
  const stopping = new AbortController();
  let underWay: Promise<unknown> = Promise.resolve();
  let cancel = (): void => {};
  const turn = async (): Promise<void> => {
    try {
      await prune(options, stopping.signal);
    } catch (err) {
      options.log.warn({ err }, 'old data could not be removed: trying again tomorrow');
    }
    if (!stopping.signal.aborted) arm(DAY_MS);
  };
  const arm = (ms: number): void => {
    cancel = options.clock.after(ms, () => {
      underWay = turn();
    });
  };
  arm(FIRST_MS);
  return async () => {
    stopping.abort();
    cancel();
    await underWay;
  };
}

/**
 * Removes everything that is past its time. A deployment that is not over is never touched, however old.
 * @returns how many deployments it removed, and of how many only what their runs worked with.
 */
export async function prune(
  options: RetentionOptions,
  signal?: AbortSignal,
): Promise<{ deployments: number; work: number }> {
  const { store, engine, clock, log, historyDays, workDays } = options;
  const before = (days: number): Date => new Date(clock.now() - days * DAY_MS);
  const removeWork = async (batch: Finished[]): Promise<void> => {
    // The engine's first: what is found again after a crash is what is left of ours.
    await engine.forget(batch.flatMap(({ workflowIds }) => workflowIds));
    await deleteWork(
      store,
      batch.map(({ deploymentId }) => deploymentId),
    );
  };
  const deployments = await inBatches(
    () => finished(store, before(historyDays), BATCH),
    async (batch) => {
      await removeWork(batch);
      await deleteDeployments(
        store,
        batch.map(({ deploymentId }) => deploymentId),
      );
    },
    signal,
  );
  await deleteOldAudit(store, before(historyDays));
  await deleteOldTokens(store, before(historyDays));
  const work = await inBatches(() => finishedWithWork(store, before(workDays), BATCH), removeWork, signal);
  if (deployments + work > 0) log.info({ deployments, work_rows: work }, 'old data was removed');
  return { deployments, work };
}

async function inBatches(
  find: () => Promise<Finished[]>,
  remove: (batch: Finished[]) => Promise<void>,
  signal?: AbortSignal,
): Promise<number> {
  for (let removed = 0; ;) {
    const batch = signal?.aborted === true ? [] : await find();
    if (batch.length === 0) return removed;
    await remove(batch);
    removed += batch.length;
  }
}
