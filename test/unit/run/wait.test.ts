import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../../src/protocol/snapshot.ts';
import type { Control, RunPorts } from '../../../src/orchestrator/engine/run/ports.ts';
import { waitFor } from '../../../src/orchestrator/engine/run/wait.ts';

/** Time that only the test moves. */
function handClock() {
  let now = 0;
  const timers = new Set<{ at: number; callback: () => void }>();
  return {
    now: () => now,
    after(ms: number, callback: () => void) {
      const timer = { at: now + ms, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async pass(ms: number) {
      await new Promise(setImmediate);
      const end = now + ms;
      for (;;) {
        const next = [...timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        timers.delete(next);
        now = next.at;
        next.callback();
        await new Promise(setImmediate);
      }
      now = end;
      await new Promise(setImmediate);
    },
  };
}

const snapshot: Snapshot = {
  watchId: 'r',
  version: 1,
  atMs: 0,
  complete: true,
  stale: false,
  staleReason: '',
  replicaSets: [],
  pods: [],
  endpoints: [],
  routes: [],
  profiles: [],
  jobs: [],
};

function world(kept = new Map<number, number>()) {
  const clock = handClock();
  const listeners = new Set<(snapshot: Snapshot | undefined) => void>();
  const asked = new Set<() => void>();
  const controls: Control[] = [];
  let latest: Snapshot | undefined;
  const ports: RunPorts = {
    clock,
    durable: { step: (_name, act) => act(), stopping: new AbortController().signal },
    metrics: { providers: [], measure: () => Promise.resolve({ kind: 'noData', reason: '' }) },
    link: {
      execute: () => Promise.reject(new Error('not asked')),
      watch: () => undefined,
      unwatch: () => undefined,
      latest: () => latest,
      onSnapshot: (_id, listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      isConnected: () => latest !== undefined,
    },
    ledger: {
      record: () => Promise.resolve(),
      controlsAfter: (_r, _d, after) => Promise.resolve(controls.filter(({ id }) => id > after)),
      onControl: (_d, listener) => {
        asked.add(listener);
        return () => asked.delete(listener);
      },
      watchedMs: (_r, timer) => Promise.resolve(kept.get(timer) ?? 0),
      keepWatchedMs: (_r, timer, ms) => Promise.resolve(void kept.set(timer, ms)),
    },
  };
  return {
    ports,
    clock,
    kept,
    see(next: Snapshot | undefined) {
      latest = next;
      for (const listener of listeners) listener(next);
    },
    ask(control: Control) {
      controls.push(control);
      for (const listener of asked) listener();
    },
    dangling: () => listeners.size + asked.size,
  };
}

const waiter = { rolloutId: 'r', deploymentId: 'd', watchId: 'r' };
const nobody = { after: 0, wants: () => false };
const timer = { id: 1, limitMs: 10_000 };

async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open');
  await new Promise(setImmediate);
  return (await Promise.race([promise, Promise.resolve(open)])) === open;
}

describe('waitFor', () => {
  it('counts only time in which somebody watched', async () => {
    const w = world();
    w.see(snapshot);
    const end = waitFor(w.ports, waiter, { ...nobody, timer });
    await w.clock.pass(4_000);
    w.see(undefined);
    await w.clock.pass(3_600_000);
    expect(await isOpen(end)).toBe(true);
    w.see(snapshot);
    await w.clock.pass(5_999);
    expect(await isOpen(end)).toBe(true);
    await w.clock.pass(1);
    expect(await end).toEqual({ kind: 'elapsed' });
    expect(w.dangling()).toBe(0);
  });

  it('goes on after a crash where it was, give or take a second', async () => {
    const kept = new Map<number, number>();
    const before = world(kept);
    before.see(snapshot);
    void waitFor(before.ports, waiter, { ...nobody, timer });
    await before.clock.pass(7_500);
    const after = world(kept);
    after.see(snapshot);
    const end = waitFor(after.ports, waiter, { ...nobody, timer });
    await after.clock.pass(2_000);
    expect(await isOpen(end)).toBe(true);
    await after.clock.pass(1_000);
    expect(await end).toEqual({ kind: 'elapsed' });
  });

  it('does not take a stale or half-read picture for the truth', async () => {
    const w = world();
    const end = waitFor(w.ports, waiter, { ...nobody, met: () => true });
    w.see({ ...snapshot, stale: true });
    w.see({ ...snapshot, complete: false });
    expect(await isOpen(end)).toBe(true);
    w.see(snapshot);
    expect(await end).toEqual({ kind: 'met', value: true });
  });

  it('ends at a control that is newer than it and wanted, also at one that came while nobody waited', async () => {
    const w = world();
    const abort: Control = { id: 7, kind: 'abort', by: 'ann', reason: '' };
    w.ask({ id: 3, kind: 'approve', by: 'bob', reason: '' });
    const end = waitFor(w.ports, waiter, { after: 0, wants: ({ kind }) => kind === 'abort' });
    expect(await isOpen(end)).toBe(true);
    w.ask(abort);
    expect(await end).toEqual({ kind: 'control', control: abort });
    expect(await waitFor(w.ports, waiter, { after: 3, wants: () => true })).toEqual({
      kind: 'control',
      control: abort,
    });
    expect(w.dangling()).toBe(0);
  });

  it('drains without anybody watching', async () => {
    const w = world();
    const end = waitFor(w.ports, waiter, { ...nobody, timer, unwatched: true });
    await w.clock.pass(10_000);
    expect(await end).toEqual({ kind: 'elapsed' });
  });
});
