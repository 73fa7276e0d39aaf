/** What ends a stage: each gate judged from what is seen, what was stored and how long it was watched. Pure. */

import type { Json } from '../../protocol/records.ts';
import type { Ask, Binding, Gate, Learned, Plan, Stage, World } from '../rollout/model.ts';
import { isAbandoned } from '../rollout/served.ts';
import { podsOf, showsOnly } from '../rollout/world.ts';
import { driverOf } from '../traffic/registry.ts';
import { canarySizeOf } from '../rollout/canary-size.ts';
import { isAdopted, isSettled } from '../workload/deployment.ts';

export interface GateView {
  plan: Plan;
  stage: Stage;
  world: World;
  learned: Learned;
  drainMs: number;
  /** Answers to what was asked, by path. */
  answers: Readonly<Record<string, Answer>>;
}

/** Of a dry run the digest of the template that it would give; of an approval who gave it. */
export interface Answer {
  /** What it was about: void when that has changed. */
  about: string;
  value: string;
}

export type Judgement =
  | { kind: 'passed'; followers?: Record<string, Json> }
  /** `leftMs`: until the clock alone changes it. */
  | { kind: 'waiting'; reason: string; ask?: Ask; leftMs?: number }
  | { kind: 'failed'; reason: string };

const passed: Judgement = { kind: 'passed' };

/** @param watchedMs of this gate, so far. */
export function judgeGate(view: GateView, gate: Gate, path: string, watchedMs: number): Judgement {
  const isLate = gate.withinMs !== undefined && watchedMs >= gate.withinMs;
  const judgement = judge(view, gate, path, watchedMs, isLate);
  if (judgement.kind !== 'waiting') return judgement;
  if (!isLate) return gate.withinMs === undefined ? judgement : { leftMs: gate.withinMs - watchedMs, ...judgement };
  const seconds = Math.round((gate.withinMs ?? 0) / 1000);
  return { kind: 'failed', reason: `not within ${seconds} s: ${judgement.reason}` };
}

function judge(view: GateView, gate: Gate, path: string, watchedMs: number, isLate: boolean): Judgement {
  const { plan, world } = view;
  switch (gate.gate) {
    case 'followed':
      return followed(view, isLate);
    case 'letGo':
      return isLate && gate.isOptional === true
        ? passed
        : each(plan, (binding) => driverOf(binding).letGo(binding, world), 'the mesh has not let go yet');
    case 'drain':
      return timer(view.drainMs - watchedMs, 'the last requests end');
    case 'wait':
      return timer(gate.ms - watchedMs, gate.name);
    case 'approval':
      return path in view.answers
        ? passed
        : { kind: 'waiting', reason: 'waits for approval', ask: { ask: 'approval', path } };
    case 'tested':
      return tested(view);
    case 'stableReady':
      return each(plan, (binding) => isStableReady(view, binding), 'the stable Service has no ready endpoints yet');
    case 'canaryReady':
      return each(plan, (binding) => isCanaryReady(view, binding), 'the canary is not ready yet');
    case 'rootShows':
      return each(
        plan,
        (binding) => doesRootShow(binding, gate.version, world),
        `the root does not send to the ${gate.version} alone yet`,
      );
    case 'adopted':
      return each(plan, ({ workload }) => isAdopted(workload, world), 'the Deployment has not adopted the canary yet');
    case 'settled':
      return each(plan, ({ workload }) => isSettled(workload, world), 'the old pods are not gone yet');
    case 'podsGone':
      return each(
        plan,
        ({ workload }) => isGone(podsOf(world, workload.canaryHash)),
        'the canary pods have not ended yet',
      );
  }
}

function timer(leftMs: number, reason: string): Judgement {
  return leftMs <= 0 ? passed : { kind: 'waiting', reason, leftMs };
}

/** Every binding, seen live. */
function each(plan: Plan, holds: (binding: Binding) => boolean | undefined, reason: string): Judgement {
  return plan.bindings.every((binding) => holds(binding) === true) ? passed : { kind: 'waiting', reason };
}

function followed({ plan, stage, world, learned }: GateView, isLate: boolean): Judgement {
  const followers: Record<string, Json> = {};
  for (const binding of plan.bindings) {
    const { name } = binding.workload;
    if (isAbandoned(binding, stage.traffic, world)) continue;
    const result = driverOf(binding).followed(binding, stage.traffic, learned.followers[name], world, isLate);
    if (result.kind === 'refused') return { kind: 'failed', reason: result.reason };
    if (result.kind === 'waiting') return result;
    if (result.learned !== undefined) followers[name] = result.learned;
  }
  return { kind: 'passed', followers };
}

/** What would be promoted must be what was tested: the API server says what the manifest gives now. */
function tested({ plan, world, answers }: GateView): Judgement {
  for (const { workload } of plan.bindings) {
    const record = world.see('Deployment', workload.name);
    if (typeof record === 'string') return { kind: 'waiting', reason: `Deployment ${workload.name} is not seen` };
    const about = `${record.uid}/${record.generation}`;
    const answer = answers[`tested/${workload.name}`];
    if (answer?.about !== about) {
      const ask: Ask = { ask: 'dryRun', workload: workload.name, about };
      return { kind: 'waiting', reason: `Deployment ${workload.name} is tried once more`, ask };
    }
    if (answer.value !== workload.newTemplate) {
      const reason = `Deployment ${workload.name} was edited during the run: what would be promoted is not what was tested`;
      return { kind: 'failed', reason };
    }
  }
  return passed;
}

function isStableReady({ stage, world }: GateView, binding: Binding): boolean | undefined {
  const { stableHash, canaryHash } = binding.workload;
  const isNew = stage.traffic.kind === 'some' && stage.traffic.stable === 'new';
  return shows(world, driverOf(binding).stableService(binding), isNew ? canaryHash : stableHash, 1);
}

/** All wanted pods are available, and the canary's Service, if there is one, sends to just them. */
function isCanaryReady({ stage, world }: GateView, binding: Binding): boolean | undefined {
  const { workload } = binding;
  const size = canarySizeOf(binding, stage.traffic, world);
  const set = world.see('ReplicaSet', workload.setName);
  if (size === undefined || set === 'unknown') return undefined;
  if (set === 'absent' || size === 0 || set.facts.available < size) return false;
  return shows(world, driverOf(binding).canaryService(binding), workload.canaryHash, size);
}

/** Without a Service of its own a version is ready when its pods are. */
function shows(world: World, service: string | undefined, hash: string, count: number): boolean | undefined {
  if (service !== undefined) return showsOnly(world, service, hash, count);
  const ready = podsOf(world, hash)?.filter(({ facts }) => facts.ready);
  return ready === undefined ? undefined : ready.length >= count;
}

function doesRootShow(binding: Binding, version: 'stable' | 'canary', world: World): boolean {
  const { stableHash, canaryHash } = binding.workload;
  const hash = version === 'stable' ? stableHash : canaryHash;
  return binding.roots.every((root) => showsOnly(world, root, hash, 1) === true);
}

function isGone(pods: unknown[] | undefined): boolean | undefined {
  return pods === undefined ? undefined : pods.length === 0;
}
