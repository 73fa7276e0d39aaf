/** The world of one run as a test holds it in its hands: time, snapshots, controls, what an agent answers. */

import type { RunIdentity } from '../../src/orchestrator/engine/run/run.ts';
import type { Control, Entry, RunPorts } from '../../src/orchestrator/engine/run/ports.ts';
import type { Operation, OperationResult } from '../../src/protocol/operation.ts';
import type { Snapshot } from '../../src/protocol/snapshot.ts';
import { ManualClock } from './manual-clock.ts';

/** Of a run that stands for any. */
export const identity: RunIdentity = {
  rolloutId: 'dep_1:staging',
  deploymentId: 'dep_1',
  application: 'shop',
  target: 'staging',
  account: 'east',
  namespace: 'shop',
  startedMs: 0,
};

export interface RunWorld {
  ports: RunPorts;
  clock: ManualClock;
  /** Watched time by timer, as the store keeps it. */
  kept: Map<number, number>;
  said: Entry[];
  see(snapshot: Snapshot | undefined): void;
  ask(control: Control): void;
  /** Moves time on in steps of at most a second, as timers that are armed anew need it. */
  pass(ms: number): Promise<void>;
  /** Listeners that nobody took away. */
  dangling(): number;
}

export function runWorld(
  kept = new Map<number, number>(),
  answer: (operation: Operation, cancel?: AbortSignal) => OperationResult | Promise<OperationResult> = () => {
    throw new Error('no operation was expected');
  },
): RunWorld {
  const clock = new ManualClock();
  const listeners = new Set<(snapshot: Snapshot | undefined) => void>();
  const asked = new Set<() => void>();
  const controls: Control[] = [];
  const said: Entry[] = [];
  let latest: Snapshot | undefined;
  const listen = <T>(set: Set<T>, listener: T): (() => void) => {
    set.add(listener);
    return () => void set.delete(listener);
  };
  const ports: RunPorts = {
    clock,
    drainMs: 3_000,
    durable: { step: (_name, act) => act(), stopping: new AbortController().signal },
    metrics: { providers: [], measure: () => Promise.resolve({ kind: 'noData', reason: '' }) },
    link: {
      execute: async (_account, operation, _signal, options) => answer(operation, options?.cancel),
      cancel: () => undefined,
      watch: () => undefined,
      unwatch: () => undefined,
      latest: () => latest,
      onSnapshot: (_id, listener) => listen(listeners, listener),
      isConnected: () => latest !== undefined,
    },
    ledger: {
      record: (entry) => Promise.resolve(void said.push(entry)),
      controlsAfter: (_rollout, _deployment, after) => Promise.resolve(controls.filter(({ id }) => id > after)),
      onControl: (_deployment, listener) => listen(asked, listener),
      watchedMs: (_rollout, timer) => Promise.resolve(kept.get(timer) ?? 0),
      keepWatchedMs: (_rollout, timer, ms) => Promise.resolve(void kept.set(timer, ms)),
    },
  };
  return {
    ports,
    clock,
    kept,
    said,
    see(snapshot) {
      latest = snapshot;
      for (const listener of listeners) listener(snapshot);
    },
    ask(control) {
      controls.push(control);
      for (const listener of asked) listener();
    },
    async pass(ms) {
      await new Promise(setImmediate);
      for (let left = ms; left > 0; left -= 1_000) {
        clock.advance(Math.min(left, 1_000));
        await new Promise(setImmediate);
      }
    },
    dangling: () => listeners.size + asked.size,
  };
}
