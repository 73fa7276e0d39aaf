/** Deployments that are stored and do not run: a process may die between the two, and a database may fail there. They are started. */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { pendingDeployments } from '../store/deployments.ts';
import type { FullDeploymentRow } from '../store/deployments.ts';
import type { Store } from '../store/store.ts';

export interface PickUpOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** Starts a deployment's run. Of one that runs already, nothing is started. */
  start: (deployment: FullDeploymentRow) => Promise<void>;
}

/** One cheap query each time: only what has not begun is looked at. */
const EVERY_MS = 5_000;

/** Starts what was left by the last process, and looks again every few seconds. @returns the way to stop. */
export async function startPickUp(options: PickUpOptions): Promise<() => Promise<void>> {
  let isStopped = false;
  let cancel = (): void => {};
  let underWay = pickUp(options);
  const again = async (): Promise<void> => {
    await pickUp(options);
    arm();
  };
  const arm = (): void => {
    if (isStopped) return;
    cancel = options.clock.after(EVERY_MS, () => {
      underWay = again();
    });
  };
  await underWay;
  arm();
  return async () => {
    isStopped = true;
    cancel();
    await underWay;
  };
}

/** What cannot be started now is found again the next time. Never rejects. */
async function pickUp({ store, log, start }: PickUpOptions): Promise<void> {
  try {
    for (const row of await pendingDeployments(store)) {
      try {
        await start(row);
      } catch (err) {
        log.warn({ err, deployment: row.id }, 'deployment could not be started: trying again');
      }
    }
  } catch (err) {
    log.warn({ err }, 'deployments that wait cannot be read: trying again');
  }
}
