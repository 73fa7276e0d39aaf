/** A progressive canary: the steps of the file between a hold and an adoption. Stages as data; no step asks which driver there is. */

import type { CanaryStep } from '../file/resolved.ts';
import { showPercent } from '../plan/weights.ts';
import type { Binding, Gate, Stage, Traffic } from '../rollout/model.ts';
import { driverOf } from '../traffic/registry.ts';

export interface CanarySettings {
  steps: CanaryStep[];
  readyTimeoutMs: number;
}

type Some = Extract<Traffic, { kind: 'some' }>;
type Common = Omit<Stage, 'name' | 'traffic' | 'gates'>;

const NONE: Traffic = { kind: 'none' };
const ON: Some = { kind: 'some', part: 'on', canary: 0, root: 'stable', stable: 'old', creates: true };
const AS_FOUND: Common = { workload: 'held', guard: 'none', conditions: ['notWithdrawn'] };
const BESIDE: Common = { workload: 'canary', guard: 'none', conditions: ['notWithdrawn', 'canaryComesUp'] };
const SERVING: Common = {
  workload: 'canary',
  guard: 'armed',
  conditions: ['guardHolds', 'notWithdrawn', 'canaryServes'],
};
/** Guarded, and without traffic: a canary may still restart. */
const GUARDED: Common = { ...SERVING, conditions: ['guardHolds', 'notWithdrawn', 'canaryComesUp'] };
const drain: Gate = { gate: 'drain' };

/** Forward, from the hold to what is left when all is cleaned up. */
export function canaryStages(binding: Binding, settings: CanarySettings): Stage[] {
  const ready: Gate = { gate: 'canaryReady', withinMs: settings.readyTimeoutMs };
  const all = { ...ON, canary: 100 };
  const shown = { ...all, root: 'canary' } satisfies Traffic;
  return [
    stage('hold', AS_FOUND, NONE, []),
    ...between(binding, NONE, ON, AS_FOUND),
    stage('canary-up', BESIDE, ON, [[ready]]),
    stage('arm', GUARDED, ON, []),
    ...weights(binding, settings),
    ...between(binding, lastOf(settings), all, SERVING, 'weight-100', [[drain]]),
    ...between(binding, all, shown, SERVING, 'root-new', [[{ gate: 'rootShows', version: 'canary' }], [drain]]),
    stage('ready-to-commit', SERVING, shown, [[ready, { gate: 'tested' }]]),
    stage('manifest', { ...SERVING, workload: 'manifest' }, shown, []),
    stage('guard-off', { ...SERVING, workload: 'manifest', guard: 'off' }, shown, []),
    ...afterCommit(binding, shown),
  ];
}

/** From here on the way is forward: the canary's pods are the ones that serve. */
function afterCommit(binding: Binding, shown: Some): Stage[] {
  const common = (workload: Stage['workload']): Common => ({ workload, guard: 'off', conditions: [] });
  const free = common('released');
  const moved: Some = { ...shown, stable: 'new' };
  const back: Some = { ...moved, canary: 0 };
  return [
    { ...stage('commit', common('alone'), shown, []), isCommit: true },
    stage('adopt', common('adopting'), shown, [[{ gate: 'adopted' }]]),
    stage('unpause', free, shown, [[{ gate: 'settled' }]]),
    ...between(binding, shown, moved, free, 'stable-new', [[{ gate: 'stableReady' }]]),
    ...between(binding, moved, back, free, 'weights-0', [[drain]]),
    ...between(binding, back, NONE, free),
    stage('end', { ...free, guard: 'none' }, NONE, []),
  ];
}

/** Back to what the survey found, from whatever stage: traffic first, everything else after. */
export function undoStages(binding: Binding): Stage[] {
  const common = (workload: Stage['workload'], guard: Stage['guard']): Common => ({ workload, guard, conditions: [] });
  const back: Some = { ...ON, root: 'asIs', creates: false };
  const shown: Some = { ...back, root: 'stable' };
  const held = common('removed', 'none');
  return [
    stage('back', common('asIs', 'asIs'), back, [[{ gate: 'followed' }]]),
    { ...stage('root-back', common('asIs', 'asIs'), shown, []), onlyAfter: 'root-new' },
    stage('drained', common('asIs', 'asIs'), back, [[drain]]),
    stage('unguarded', common('asIs', 'none'), back, []),
    stage('emptied', common('emptied', 'none'), back, [[{ gate: 'podsGone' }]]),
    stage('removed', held, back, []),
    ...between(binding, back, NONE, held),
    stage('found', common('found', 'none'), NONE, []),
  ];
}

/** After the commit, where the way forward is hopeless: traffic to whoever is ready, Services as their owner wrote them. */
export function settleStages(binding: Binding): Stage[] {
  const common: Common = { workload: 'asIs', guard: 'none', conditions: [] };
  const level: Some = { ...ON, part: 'on', canary: 0, root: 'asIs', stable: 'any', creates: false };
  return [
    stage('level', { ...common, guard: 'asIs' }, level, [[drain]]),
    ...between(binding, level, NONE, common),
    stage('settled', { ...common, workload: 'settled' }, NONE, []),
  ];
}

function weights(binding: Binding, { steps }: CanarySettings): Stage[] {
  let at: Some = ON;
  const stages: Stage[] = [];
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'setWeight') {
      const to: Some = { ...ON, canary: step.weight };
      stages.push(...between(binding, at, to, step.weight > 0 ? SERVING : GUARDED, nameOf(index, step)));
      at = to;
    } else stages.push(stage(nameOf(index, step), at.canary > 0 ? SERVING : GUARDED, at, [[gateOf(step)]]));
  }
  return stages;
}

function lastOf({ steps }: CanarySettings): Some {
  const last = steps.findLast((step) => step.kind === 'setWeight');
  return { ...ON, canary: last?.weight ?? 0 };
}

function gateOf(step: Exclude<CanaryStep, { kind: 'setWeight' }>): Gate {
  switch (step.kind) {
    case 'pause':
      return { gate: 'wait', ms: step.durationMs, name: 'pause' };
    case 'approval': {
      const { expiresAfterMs } = step;
      return {
        gate: 'approval',
        name: 'approval',
        ...(expiresAfterMs === undefined ? {} : { withinMs: expiresAfterMs }),
      };
    }
    case 'analysis':
    case 'runJob':
      throw new Error(`A stage with a step of kind ${step.kind} is not built yet.`);
  }
}

/** `step-2-weight-25`: the same weight may come twice. */
function nameOf(index: number, step: CanaryStep): string {
  const what = step.kind === 'setWeight' ? `weight-${showPercent(step.weight).replace(/ %$/, '')}` : step.kind;
  return `step-${index + 1}-${what}`;
}

/** The driver's stages between two traffics. @param last name and further gates of the last one; absent: as the driver has it. */
function between(
  binding: Binding,
  from: Traffic,
  to: Traffic,
  common: Common,
  last?: string,
  gates: Gate[][] = [],
): Stage[] {
  const legs = driverOf(binding).path(binding, from, to);
  return legs.map((leg, index) =>
    index === legs.length - 1
      ? stage(last ?? leg.name, common, leg.traffic, [...leg.gates, ...gates])
      : stage(last === undefined ? leg.name : `${last}-${leg.name}`, common, leg.traffic, leg.gates),
  );
}

function stage(name: string, common: Common, traffic: Traffic, gates: Gate[][]): Stage {
  return { name, ...common, traffic, gates };
}
