/**
 * Each law of the core that the model holds, broken on purpose: the simulation finds it within 1,000 runs. A model that does not
 * would be no proof.
 */

import { afterEach, expect, test, vi } from 'vitest';
import type * as Orders from '../../src/agent/kinds/orders.ts';
import type * as Canary from '../../src/orchestrator/strategies/canary.ts';
import type * as Workload from '../../src/orchestrator/workload/deployment.ts';
import { seed } from '../support/seed.ts';
import type * as Many from './simulate.ts';
import type * as ViewModule from './view.ts';

const RUNS = 1_000;
const mocked: string[] = [];

afterEach(() => {
  for (const path of mocked.splice(0)) vi.doUnmock(path);
  vi.resetModules();
});

/** @returns the invariants that the first failing run violates, and how many runs it took. */
async function foundWithin(runs: number): Promise<{ runs: number; invariants: string[] } | undefined> {
  const { simulate }: typeof Many = await import('./simulate.ts');
  for (let at = 0; at < runs; at++) {
    const { violations } = simulate(seed + at);
    if (violations.length > 0) return { runs: at + 1, invariants: violations.map(({ invariant }) => invariant) };
  }
  return undefined;
}

/** Replaces exports of one module for the simulation that is loaded next. */
function breaks<T extends object>(path: string, change: (real: T) => Partial<T>): () => void {
  return () => {
    mocked.push(path);
    vi.doMock(path, async (importOriginal) => {
      const real = await importOriginal<T>();
      return { ...real, ...change(real) };
    });
  };
}

const core = '../../src/orchestrator';

const BROKEN: [law: string, break_: () => void][] = [
  [
    '1: what must come one after the other is two stages (unpaused before it is adopted)',
    breaks<typeof Canary>(`${core}/strategies/canary.ts`, ({ canaryStages }) => ({
      canaryStages: (...of) => canaryStages(...of).filter(({ name }) => name !== 'adopt'),
    })),
  ],
  [
    '2: a share above 0 goes only to a version with ready endpoints',
    breaks(`${core}/rollout/served.ts`, () => ({ served: (_: unknown, traffic: unknown) => ({ traffic }) })),
  ],
  [
    '3: that the commit has begun is stored before it',
    breaks<typeof Canary>(`${core}/strategies/canary.ts`, ({ canaryStages }) => ({
      canaryStages: (...of) => canaryStages(...of).map(({ isCommit: _commit, ...stage }) => stage),
    })),
  ],
  [
    "5: another rollout's object of the same name is not ours",
    breaks(`${core}/plan/marks.ts`, () => ({ rolloutLabel: () => 'dep-other.prod' })),
  ],
  [
    "6: a write's answer is compared with what was meant",
    breaks(`${core}/rollout/answer.ts`, () => ({ changedBy: () => undefined })),
  ],
  [
    '8: what is not seen live is unknown, not gone',
    breaks<typeof ViewModule>('./view.ts', ({ View }) => ({
      View: class extends View {
        override isLive(): boolean {
          return true;
        }
      },
    })),
  ],
  [
    '9: an order holds only over what was seen',
    breaks<typeof Orders>('../../src/agent/kinds/orders.ts', ({ fieldsOf, orderSteps }) => ({
      orderSteps: (object, uid, changes) => {
        const now = fieldsOf(object);
        return orderSteps(
          object,
          uid,
          changes.map((change) => ({ ...change, from: now[change.field] ?? null })),
        );
      },
    })),
  ],
  ['10: put-backs are counted', breaks(`${core}/rollout/retry.ts`, () => ({ putBackDelay: () => 0 }))],
  [
    '11: what can never succeed is told',
    breaks(`${core}/rollout/retry.ts`, () => ({ reactionTo: () => ({ kind: 'again', afterMs: 20_000 }) })),
  ],
  [
    '12: a Deployment is let go only with the template that runs',
    breaks<typeof Workload>(`${core}/workload/deployment.ts`, ({ workloadWants }) => ({
      workloadWants: (plan, view, world) =>
        workloadWants(plan, view, world).map(({ giveUp, ...want }) =>
          giveUp === undefined ? want : { ...want, fields: { paused: null } },
        ),
    })),
  ],
  [
    '13: the template is compared live',
    breaks<typeof Workload>(`${core}/workload/deployment.ts`, ({ workloadWants }) => ({
      workloadWants: (...of) => workloadWants(...of).map(({ must: _must, ...want }) => want),
    })),
  ],
];

test.each(BROKEN)('is found when broken: law %s', { timeout: 600_000 }, async (law, break_) => {
  break_();
  const found = await foundWithin(RUNS);
  console.log(
    `law ${law}: ${found === undefined ? 'not found' : `found after ${found.runs} runs: ${found.invariants.join(', ')}`}`,
  );
  expect(found).toBeDefined();
});
