/** Facts that must hold from one stage to another; otherwise the rollout is at fault. Pure. */

import { podsOf } from './world.ts';
import { WITHDRAWN } from '../plan/marks.ts';
import { driverOf } from '../traffic/registry.ts';
import type { Binding, ConditionName, Fault, Plan, Stage, Traffic, World } from './model.ts';

/** Reasons that only a new version or a person can mend, so nobody waits for the time-out. */
const HOPELESS = new Set(['ErrImageNeverPull', 'ImagePullBackOff', 'InvalidImageName', 'RunContainerError']);
/** Before it has traffic, a canary may restart this often: many wait for a dependency by crashing. */
const RESTARTS_BEFORE_TRAFFIC = 3;

/** @returns the first condition that is broken. What is not seen live breaks none. */
export function brokenCondition(plan: Plan, { conditions, traffic }: Stage, world: World): Fault | undefined {
  for (const name of conditions) {
    const fault = CONDITIONS[name](plan, world, traffic);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const CONDITIONS: Record<ConditionName, (plan: Plan, world: World, traffic: Traffic) => Fault | undefined> = {
  guardHolds(plan, world) {
    const record = world.see('ConfigMap', plan.guard.name);
    if (typeof record === 'string' || record.fields['state'] !== 'fired') return undefined;
    return { reason: `the agent's guard sent all traffic to the stable: ${record.facts.reason}` };
  },
  notWithdrawn({ inventory }, world) {
    for (const { kind, name } of inventory) {
      const record = world.see(kind, name);
      const why = typeof record === 'string' ? undefined : record.fields[`annotation:${WITHDRAWN}`];
      if (typeof why === 'string') return { reason: `withdrawn by hand: ${why}`, object: { kind, name } };
    }
    return undefined;
  },
  canaryComesUp: (plan, world) =>
    first(plan, (binding) => brokenSet(binding, world) ?? brokenPod(binding, world, false)),
  canaryServes: (plan, world, traffic) =>
    first(
      plan,
      (binding) => brokenSet(binding, world) ?? brokenPod(binding, world, true) ?? notServing(binding, traffic, world),
    ),
};

function first(plan: Plan, look: (binding: Binding) => Fault | undefined): Fault | undefined {
  for (const binding of plan.bindings) {
    const fault = look(binding);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function brokenSet({ workload }: Binding, world: World): Fault | undefined {
  const object = { kind: 'ReplicaSet', name: workload.setName } as const;
  const record = world.see('ReplicaSet', workload.setName);
  if (typeof record === 'string' || record.facts.failure === '') return undefined;
  return { reason: `ReplicaSet ${workload.setName} cannot make its pods: ${record.facts.failure}`, object };
}

function brokenPod({ workload }: Binding, world: World, isServing: boolean): Fault | undefined {
  const broken = podsOf(world, workload.canaryHash)?.find(
    ({ deleting, facts }) =>
      !deleting &&
      (HOPELESS.has(facts.reason) ||
        (facts.failing && isServing) ||
        (facts.reason === 'CrashLoopBackOff' && facts.restarts >= RESTARTS_BEFORE_TRAFFIC)),
  );
  if (broken === undefined) return undefined;
  const { reason, restarts, message } = broken.facts;
  const after = restarts > 0 ? ` after ${restarts} restart${restarts === 1 ? '' : 's'}` : '';
  const words = message === '' ? '' : `: ${message}`;
  return { reason: `canary pod ${broken.name} is ${reason === '' ? 'not ready' : reason}${after}${words}` };
}

function notServing(binding: Binding, traffic: Traffic, world: World): Fault | undefined {
  const { setName } = binding.workload;
  if (world.see('ReplicaSet', setName) === 'absent') return { reason: `canary ReplicaSet ${setName} is gone` };
  const { canary } = driverOf(binding).ready(binding, traffic, world);
  return canary === 0 ? { reason: 'no canary pod is ready any more' } : undefined;
}
