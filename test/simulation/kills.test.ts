/** The orchestrator killed at each write and each checkpoint of a rollout: it ends as it would have, and nobody loses a request. */

import { expect, test } from 'vitest';
import { seed } from '../support/seed.ts';
import type { Action } from './actions.ts';
import type { Release } from './shop.ts';
import { simulate, type Run } from './simulate.ts';

const calm: Partial<Release> = {
  workloads: 1,
  isBroken: false,
  hasForeign: false,
  steps: [
    { kind: 'setWeight', weight: 10 },
    { kind: 'pause', durationMs: 5_000 },
    { kind: 'setWeight', weight: 50 },
  ],
};
const abort: Action = { kind: 'abort', afterMs: 9_000, seed: 1 };
const after = (kind: string, afterMs: number): Action => ({ kind, afterMs, seed: 1 });

/** By the ending that each comes to. `stride`: of many writes of one kind, every so many-th. */
const ENDINGS: [name: string, ending: string, release: Partial<Release>, actions: Action[], stride?: number][] = [
  ['a promotion by linkerd-smi', 'succeeded', { driver: 'linkerd-smi', hasRoutes: true }, []],
  ['a promotion by pods', 'succeeded', { driver: 'pods' }, []],
  ['a promotion of three workloads', 'succeeded', { driver: 'linkerd-smi', hasRoutes: true, workloads: 3 }, [], 7],
  ['an abort at a weight, by linkerd-smi', 'rolledBack', { driver: 'linkerd-smi', hasRoutes: true }, [abort]],
  ['an abort at a weight, by pods', 'rolledBack', { driver: 'pods' }, [abort]],
  ['a canary that does not come up', 'rolledBack', { driver: 'linkerd-smi', hasRoutes: false, isBroken: true }, []],
  ['a guard that fires', 'rolledBack', { driver: 'linkerd-smi', hasRoutes: true }, [after('fireGuard', 8_000)]],
];

test.each(ENDINGS)(
  '%s, killed at each write and each checkpoint, ends the same',
  { timeout: 120_000 },
  (_, ending, release, actions, stride = 1) => {
    const play = (kill?: { at: number; when: 'before' | 'after' }): Run =>
      simulate(seed, { release: { ...calm, ...release }, actions, ...(kill === undefined ? {} : { kill }) });
    const undisturbed = play();
    expect(undisturbed).toMatchObject({ outcome: { state: ending }, violations: [] });
    expect(undisturbed.effects).toBeGreaterThan(20);
    for (let at = 1; at <= undisturbed.effects; at += stride) {
      for (const when of ['before', 'after'] as const) {
        const { outcome, violations } = play({ at, when });
        expect({ at, when, state: outcome?.state, violations }).toEqual({ at, when, state: ending, violations: [] });
      }
    }
  },
);
