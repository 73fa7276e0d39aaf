/** Waiting with open eyes: whatever the canary's waits are for, a broken pod, an edited split or a new size comes first. */

import type { Snapshot } from '../../../protocol/snapshot.ts';
import { interruption, type Interruption } from '../../plan/assess.ts';
import { canarySize, resizePatch } from '../../plan/canary-set.ts';
import type { CanaryState } from './canary-state.ts';
import { RunFault } from './fault.ts';
import { keepGuard } from './guard.ts';
import { putBack } from './shift.ts';
import type { WaitEnd } from './wait.ts';

type Seen<T> = { kind: 'wanted'; value: T } | { kind: 'interrupted'; by: Interruption };

export interface Watchful<T> {
  met?: (snapshot: Snapshot) => T | undefined;
  /** Milliseconds of watched time. */
  limitMs?: number;
  approvals?: boolean;
}

/**
 * Waits; acts on each interruption and goes on with the same timer.
 * @throws RunFault when the canary is broken, Aborted when a person says so.
 */
export async function watchfully<T>(state: CanaryState, what: string, wanted: Watchful<T>): Promise<WaitEnd<T>> {
  const { run } = state;
  const timer = wanted.limitMs === undefined ? undefined : run.timer(wanted.limitMs);
  for (;;) {
    const expected = { ...state.expected };
    const end = await run.wait<Seen<T>>(
      what,
      {
        ...(timer === undefined ? {} : { timer }),
        met: (snapshot) => {
          const by = interruption(snapshot, expected);
          if (by !== undefined) return { kind: 'interrupted', by };
          const value = wanted.met?.(snapshot);
          return value === undefined ? undefined : { kind: 'wanted', value };
        },
      },
      wanted.approvals === true,
    );
    if (end.kind !== 'met') return end;
    if (end.value.kind === 'wanted') return { kind: 'met', value: end.value.value };
    await act(state, end.value.by);
  }
}

async function act(state: CanaryState, by: Interruption): Promise<void> {
  switch (by.kind) {
    case 'fault':
      throw new RunFault(by.reason);
    case 'drift':
      return putBack(state, by.what);
    case 'resized':
      return follow(state, by.replicas);
    case 'guard':
      state.expected.guardNews = by.news;
      return state.run.say('warning', by.news);
  }
}

/** The Deployment was scaled (an autoscaler, a person): the canary follows. */
async function follow(state: CanaryState, live: number): Promise<void> {
  const { run, plan, expected } = state;
  expected.deploymentReplicas = live;
  const size = canarySize({
    live,
    atStart: plan.liveReplicas,
    asked: plan.asked.spec.replicas,
    scaledByHpa: plan.scaledByHpa,
  });
  if (size === expected.canaryReplicas) return;
  const isSmaller = size < expected.canaryReplicas;
  expected.canaryReplicas = size;
  // Its floor comes down before its pods go; it rises with the next weight, when more of them are ready.
  if (isSmaller && expected.guardFloor !== undefined) await keepGuard(state);
  const { namespace } = run.identity;
  await run.say('rollout.phase', `the Deployment was scaled to ${live}: the canary follows`, { wanted: size });
  await run.call('resize canary', {
    kind: 'patch',
    object: { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace, name: plan.canarySetName },
    type: 'merge',
    body: resizePatch(size),
  });
}
