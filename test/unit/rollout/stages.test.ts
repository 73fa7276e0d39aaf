/** The stages of a canary by name, in their order: what a person on call reads of a rollout that stands. */

import { expect, test } from 'vitest';
import type { CanaryStep } from '../../../src/orchestrator/file/resolved.ts';
import type { Binding, Stage } from '../../../src/orchestrator/rollout/model.ts';
import { canaryStages, settleStages, undoStages } from '../../../src/orchestrator/strategies/canary.ts';

const steps: CanaryStep[] = [
  { kind: 'setWeight', weight: 12.5 },
  { kind: 'pause', durationMs: 1 },
  { kind: 'setWeight', weight: 50 },
];
/** The ways of a driver are the same for every binding. */
const bindingOf = (driver: string): Binding => ({ driver }) as Binding;
const names = (stages: Stage[]): string => stages.map(({ name }) => name).join(' ');

const COMMIT = 'ready-to-commit manifest guard-off commit adopt unpause stable-new weights-0';

test.each([
  [
    'linkerd-smi',
    `hold backends split narrow canary-up arm step-1-weight-12.5 step-2-pause step-3-weight-50 weight-100 root-new ${COMMIT} widen split-gone profile-gone backends-gone end`,
  ],
  [
    'pods',
    `hold narrow canary-up arm step-1-weight-12.5-up step-1-weight-12.5 step-2-pause step-3-weight-50-up step-3-weight-50 weight-100-up weight-100 root-new ${COMMIT} widen end`,
  ],
])('forward, by %s', (driver, expected) => {
  expect(names(canaryStages(bindingOf(driver), { steps, readyTimeoutMs: 1 }))).toBe(expected);
});

test.each([
  [
    'linkerd-smi',
    'back root-back drained unguarded emptied removed widen split-gone profile-gone backends-gone found',
    'level widen split-gone profile-gone backends-gone settled',
  ],
  ['pods', 'back root-back drained unguarded emptied removed widen found', 'level widen settled'],
])('back, and to a settled end, by %s', (driver, undo, settle) => {
  expect(names(undoStages(bindingOf(driver)))).toBe(undo);
  expect(names(settleStages(bindingOf(driver)))).toBe(settle);
});

test('every stage has a name of its own, by which its checkpoint is stored', () => {
  const twice: CanaryStep[] = [...steps, ...steps];
  for (const driver of ['linkerd-smi', 'pods']) {
    const stages = canaryStages(bindingOf(driver), { steps: twice, readyTimeoutMs: 1 });
    expect(new Set(stages.map(({ name }) => name)).size).toBe(stages.length);
  }
});

test('from the guard on, no stage before the commit is without it, whatever its weight', () => {
  const zero: CanaryStep[] = [{ kind: 'setWeight', weight: 0 }, ...steps, { kind: 'setWeight', weight: 0 }];
  const stages = canaryStages(bindingOf('linkerd-smi'), { steps: zero, readyTimeoutMs: 1 });
  const from = stages.findIndex(({ name }) => name === 'arm');
  const to = stages.findIndex(({ name }) => name === 'guard-off');
  expect(stages.slice(from, to).every(({ guard }) => guard === 'armed')).toBe(true);
});
