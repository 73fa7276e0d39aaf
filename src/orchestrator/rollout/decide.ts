/** The one decision: what a stage wants, compared with what is seen. Pure. */

import type { Fields } from '../../protocol/records.ts';
import { judgeGate, type Answer, type GateView } from '../gates/judge.ts';
import { canarySizeOf } from './canary-size.ts';
import { workloadWants } from '../workload/deployment.ts';
import { isSameJson } from '../plan/merge-patch.ts';
import { compare, type Compared } from './compare.ts';
import { brokenCondition } from './conditions.ts';
import { armedFloor, guardWants } from './guard-wants.ts';
import { served, trafficWants } from './served.ts';
import type { Binding, Decision, Entry, Learned, Plan, Stage, Want, World } from './model.ts';
import { keyOf } from './model.ts';

export interface Situation {
  plan: Plan;
  stage: Stage;
  /** The stage before, of the same list: what its wants were is progress, not drift. */
  previous: Stage | undefined;
  world: World;
  learned: Learned;
  /** Towards what was found, or away from a hopeless end: what cannot be restored is named, and stops nothing. */
  isWayBack: boolean;
  /** By key, what of this stage has held: any change since is somebody else's, unless the stage wants something else by now. */
  held: ReadonlyMap<string, Fields>;
  /** Paths of the gates of this stage that were passed. */
  passed: ReadonlySet<string>;
  /** Watched time by path. */
  watchedMs: Readonly<Record<string, number>>;
  answers: Readonly<Record<string, Answer>>;
  drainMs: number;
}

export function decide(situation: Situation): Decision {
  const { plan, stage, world, learned } = situation;
  const decision: Decision = {
    writes: [],
    wanted: new Map(),
    asks: [],
    waiting: [],
    drift: [],
    held: new Map(),
    satisfied: false,
    passed: [],
    learned,
  };
  const fault = brokenCondition(plan, stage, world);
  if (fault !== undefined) return { ...decision, fault };
  const entries = new Map(plan.inventory.map((entry) => [keyOf(entry), entry]));
  const before = wantsBefore(situation);
  for (const want of wantsOf(situation, stage)) {
    const entry: Entry = entries.get(keyOf(want)) ?? { kind: want.kind, name: want.name, role: 'made' };
    const held = situation.held.get(keyOf(want));
    const hasHeld = held !== undefined && isSameJson(held, want.fields);
    const compared = compare({
      want,
      before: () => before().get(keyOf(want)),
      hasHeld,
      entry,
      plan,
      world,
      learned: decision.learned,
    });
    decision.wanted.set(keyOf(want), want.fields);
    add(decision, situation.isWayBack ? withoutFault(compared) : compared);
    if (isHolding(compared)) decision.held.set(keyOf(want), want.fields);
  }
  for (const binding of plan.bindings) {
    const { instead } = served(binding, stage.traffic, world);
    if (instead !== undefined) decision.waiting.push({ reason: instead });
  }
  if (decision.fault !== undefined || decision.writes.length > 0 || decision.waiting.length > 0) return decision;
  judgeGates(situation, decision);
  return decision;
}

/** Of the stage before, made when they are asked for: most looks find nothing changed. */
function wantsBefore(situation: Situation): () => ReadonlyMap<string, Want> {
  let made: ReadonlyMap<string, Want> | undefined;
  return () => {
    const { previous } = situation;
    made ??= new Map(previous === undefined ? [] : wantsOf(situation, previous).map((want) => [keyOf(want), want]));
    return made;
  };
}

/** What cannot be restored is told, and the rest goes on. */
function withoutFault({ fault, ...rest }: Compared): Compared {
  return fault === undefined ? rest : { ...rest, unrestored: fault.reason };
}

function isHolding({ write, waiting, fault }: Compared): boolean {
  return write === undefined && waiting === undefined && fault === undefined;
}

/** The desired state of a stage: one want for each object that it speaks of. */
function wantsOf({ plan, world, learned }: Pick<Situation, 'plan' | 'world' | 'learned'>, stage: Stage): Want[] {
  const sizes = plan.bindings.map((binding) => canarySizeOf(binding, stage.traffic, world));
  const perBinding = plan.bindings.flatMap((binding, index) => {
    const view = { rollout: plan.rollout, phase: stage.workload, size: sizes[index] };
    const workload = workloadWants(binding.workload, view, world).map((want) => belowFloor(plan, binding, want, world));
    return [...workload, ...trafficWants(binding, served(binding, stage.traffic, world), learned, world)];
  });
  return [...perBinding, ...guardWants(plan, stage.guard, sizes, world)];
}

/** The guard's floor comes down before the canary's pods go, or it would fire. */
function belowFloor(plan: Plan, { workload }: Binding, want: Want, world: World): Want {
  const size = want.fields['replicas'];
  if (want.kind !== 'ReplicaSet' || typeof size !== 'number') return want;
  const floor = armedFloor(plan, workload.name, world);
  return floor === undefined || size >= floor ? want : { ...want, withheld: `the guard's floor is still ${floor}` };
}

function add(decision: Decision, { write, waiting, drift, fault, uid, unrestored }: Compared): void {
  if (fault !== undefined) decision.fault ??= fault;
  if (write !== undefined) decision.writes.push(write);
  if (waiting !== undefined) decision.waiting.push(waiting);
  if (drift !== undefined) decision.drift.push(drift);
  if (uid !== undefined)
    decision.learned = { ...decision.learned, uids: { ...decision.learned.uids, [uid.key]: uid.uid } };
  if (unrestored !== undefined && !decision.learned.unrestored.includes(unrestored)) {
    decision.learned = { ...decision.learned, unrestored: [...decision.learned.unrestored, unrestored] };
  }
}

/** Groups one after the other, the gates of a group side by side. */
function judgeGates(situation: Situation, decision: Decision): void {
  const { stage, passed, watchedMs } = situation;
  const view: GateView = { ...situation, learned: decision.learned };
  for (const [group, gates] of stage.gates.entries()) {
    for (const [index, gate] of gates.entries()) {
      const path = `${stage.name}/${group}.${index}-${gate.gate}`;
      if (passed.has(path)) continue;
      const judgement = judgeGate(view, gate, path, watchedMs[path] ?? 0);
      if (judgement.kind === 'passed') {
        decision.passed.push(path);
        const followers = { ...decision.learned.followers, ...judgement.followers };
        decision.learned = { ...decision.learned, followers };
      } else if (judgement.kind === 'failed') decision.fault ??= { reason: judgement.reason };
      else {
        const { reason, leftMs } = judgement;
        decision.waiting.push({ reason, path, ...(leftMs === undefined ? {} : { leftMs }) });
        if (judgement.ask !== undefined) decision.asks.push(judgement.ask);
      }
    }
    if (decision.fault !== undefined || decision.waiting.length > 0) return;
  }
  decision.satisfied = true;
}
