/** The one way a run waits: for a snapshot, a person or watched time, whichever comes first. */

import type { Snapshot } from '../../../protocol/snapshot.ts';
import type { Control, RunPorts } from './ports.ts';

export interface Wanted<T> {
  /** Reads each snapshot; anything but undefined ends the wait. Pure. Absent: snapshots do not matter. */
  met?: (snapshot: Snapshot) => T | undefined;
  /** Ends the wait once this much time was spent watching (time without orchestrator or agent does not count). */
  timer?: { id: number; limitMs: number };
  /** The timer also runs while the agent is away: for draining, which needs nobody to watch. */
  unwatched?: boolean;
  /** Controls with a greater id end the wait, if `wants` says so. */
  after: number;
  wants: (control: Control) => boolean;
}

export type WaitEnd<T> = { kind: 'met'; value: T } | { kind: 'elapsed' } | { kind: 'control'; control: Control };

export interface Waiter {
  rolloutId: string;
  deploymentId: string;
  watchId: string;
}

/** How often a running timer is written down: what a crash can add to a pause at most. */
const KEEP_EVERY_MS = 1_000;

/**
 * Waits inside one durable step: after a crash the step runs again, reads the timer back and goes on.
 * Event-driven: a snapshot or a control ends it in the same turn of the event loop.
 */
export async function waitFor<T>(ports: RunPorts, waiter: Waiter, wanted: Wanted<T>): Promise<WaitEnd<T>> {
  const { promise, resolve, reject } = Promise.withResolvers<WaitEnd<T>>();
  const stops: (() => void)[] = [];
  const letGo = (): void => reject(new Error('the process stops'));
  ports.durable.stopping.addEventListener('abort', letGo, { once: true });
  stops.push(() => ports.durable.stopping.removeEventListener('abort', letGo));
  try {
    await watchControls(ports, waiter, wanted, stops, resolve, reject);
    watchSnapshots(ports, waiter, wanted, stops, resolve);
    if (wanted.timer !== undefined) {
      watchTime(ports, waiter, { ...wanted.timer, unwatched: wanted.unwatched === true }, stops, resolve, reject);
    }
    return await promise;
  } finally {
    for (const stop of stops) stop();
  }
}

type Resolve<T> = (end: WaitEnd<T>) => void;

async function watchControls<T>(
  { ledger }: RunPorts,
  { rolloutId, deploymentId }: Waiter,
  wanted: Wanted<T>,
  stops: (() => void)[],
  resolve: Resolve<T>,
  reject: (cause: unknown) => void,
): Promise<void> {
  const look = async (): Promise<void> => {
    const controls = await ledger.controlsAfter(rolloutId, deploymentId, wanted.after);
    const control = controls.find((candidate) => wanted.wants(candidate));
    if (control !== undefined) resolve({ kind: 'control', control });
  };
  // Subscribed before the first look, so that none falls between.
  stops.push(ledger.onControl(deploymentId, () => void look().catch(reject)));
  await look();
}

function watchSnapshots<T>(
  { link }: RunPorts,
  { watchId }: Waiter,
  { met }: Wanted<T>,
  stops: (() => void)[],
  resolve: Resolve<T>,
): void {
  if (met === undefined) return;
  const look = (snapshot: Snapshot | undefined): void => {
    if (!isWatching(snapshot)) return;
    const value = met(snapshot);
    if (value !== undefined) resolve({ kind: 'met', value });
  };
  stops.push(link.onSnapshot(watchId, look));
  look(link.latest(watchId));
}

function isWatching(snapshot: Snapshot | undefined): snapshot is Snapshot {
  return snapshot !== undefined && snapshot.complete && !snapshot.stale;
}

/** The time of an earlier process is read beside the wait: most waits are over before it comes. */
function watchTime<T>(
  { link, ledger, clock }: RunPorts,
  { rolloutId, watchId }: Waiter,
  timer: { id: number; limitMs: number; unwatched: boolean },
  stops: (() => void)[],
  resolve: Resolve<T>,
  reject: (cause: unknown) => void,
): void {
  let watchedMs = 0;
  let isRead = false;
  let sinceMs: number | undefined;
  let cancel = (): void => {};
  const count = (): void => {
    const now = clock.now();
    if (sinceMs !== undefined) watchedMs += now - sinceMs;
    sinceMs = timer.unwatched || isWatching(link.latest(watchId)) ? now : undefined;
  };
  const arm = (): void => {
    cancel();
    if (!isRead) return;
    const leftMs = timer.limitMs - watchedMs;
    if (leftMs <= 0) resolve({ kind: 'elapsed' });
    else if (sinceMs !== undefined) cancel = clock.after(Math.min(leftMs, KEEP_EVERY_MS), tick);
  };
  const tick = (): void => {
    count();
    arm();
    ledger.keepWatchedMs(rolloutId, timer.id, watchedMs).catch(reject);
  };
  // A snapshot that comes or goes starts or stops the clock.
  stops.push(
    link.onSnapshot(watchId, () => {
      const was = sinceMs !== undefined;
      count();
      if (was !== (sinceMs !== undefined)) arm();
    }),
  );
  let isOver = false;
  stops.push(() => {
    isOver = true;
    cancel();
  });
  count();
  const readEarlier = async (): Promise<void> => {
    watchedMs += await ledger.watchedMs(rolloutId, timer.id);
    isRead = true;
    if (!isOver) arm();
  };
  readEarlier().catch(reject);
}
