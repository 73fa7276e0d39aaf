import { describe, expect, it } from 'vitest';
import type { Control } from '../../../src/orchestrator/engine/run/ports.ts';
import { waitFor } from '../../../src/orchestrator/engine/run/wait.ts';
import { emptySnapshot } from '../../support/empty-snapshot.ts';
import { runWorld } from '../../support/run-world.ts';

const snapshot = emptySnapshot('r');
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
    const w = runWorld();
    w.see(snapshot);
    const end = waitFor(w.ports, waiter, { ...nobody, timer });
    await w.pass(4_000);
    w.see(undefined);
    await w.pass(3_600_000);
    expect(await isOpen(end)).toBe(true);
    w.see(snapshot);
    await w.pass(5_999);
    expect(await isOpen(end)).toBe(true);
    await w.pass(1);
    expect(await end).toEqual({ kind: 'elapsed' });
    expect(w.dangling()).toBe(0);
  });

  it('goes on after a crash where it was, give or take a second', async () => {
    const kept = new Map<number, number>();
    const before = runWorld(kept);
    before.see(snapshot);
    void waitFor(before.ports, waiter, { ...nobody, timer });
    await before.pass(7_500);
    const after = runWorld(kept);
    after.see(snapshot);
    const end = waitFor(after.ports, waiter, { ...nobody, timer });
    await after.pass(2_000);
    expect(await isOpen(end)).toBe(true);
    await after.pass(1_000);
    expect(await end).toEqual({ kind: 'elapsed' });
  });

  it('does not take a stale or half-read picture for the truth', async () => {
    const w = runWorld();
    const end = waitFor(w.ports, waiter, { ...nobody, met: () => true });
    w.see({ ...snapshot, stale: true });
    w.see({ ...snapshot, complete: false });
    expect(await isOpen(end)).toBe(true);
    w.see(snapshot);
    expect(await end).toEqual({ kind: 'met', value: true });
  });

  it('ends at a control that is newer than it and wanted, also at one that came while nobody waited', async () => {
    const w = runWorld();
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
    const w = runWorld();
    const end = waitFor(w.ports, waiter, { ...nobody, timer, unwatched: true });
    await w.pass(10_000);
    expect(await end).toEqual({ kind: 'elapsed' });
  });
});
