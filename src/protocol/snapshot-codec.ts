/** Watches and snapshots between their domain form and the wire's. */

import type { JobRecord, PodRecord, Snapshot, SplitRecord, Watch } from './snapshot.ts';
import type { GuardState__Output } from './gen/sluice/agent/v1/GuardState.ts';
import type { JobState__Output } from './gen/sluice/agent/v1/JobState.ts';
import type { PodRecord__Output } from './gen/sluice/agent/v1/PodRecord.ts';
import type { SplitRecord as WireSplit, SplitRecord__Output } from './gen/sluice/agent/v1/SplitRecord.ts';
import type { Snapshot as WireSnapshot, Snapshot__Output } from './gen/sluice/agent/v1/Snapshot.ts';
import type { Watch as WireWatch, Watch__Output } from './gen/sluice/agent/v1/Watch.ts';

const JOB_STATES: Record<JobRecord['state'], JobState__Output> = {
  running: 'JOB_RUNNING',
  complete: 'JOB_COMPLETE',
  failed: 'JOB_FAILED',
};

type GuardRecord = NonNullable<SplitRecord['guard']>;

const GUARD_STATES: Record<GuardRecord['state'], GuardState__Output> = {
  armed: 'ARMED',
  fired: 'FIRED',
  holding: 'HOLDING',
  unreadable: 'UNREADABLE',
};

export function encodeWatch(watch: Watch): WireWatch {
  return watch;
}

export function decodeWatch(wire: Watch__Output): Watch {
  const { split, ...watch } = wire;
  return { ...watch, ...(split && { split }) };
}

export function encodeSnapshot(snapshot: Snapshot): WireSnapshot {
  const jobs = snapshot.jobs.map((job) => ({ ...job, state: JOB_STATES[job.state] }));
  const { split, ...rest } = snapshot;
  return { ...rest, jobs, ...(split && { split: encodeSplit(split) }) };
}

export function decodeSnapshot(wire: Snapshot__Output): Snapshot {
  const { deployment, split, jobs, pods, ...rest } = wire;
  return {
    ...rest,
    ...(deployment && { deployment }),
    ...(split && { split: decodeSplit(split) }),
    pods: pods.map(decodePod),
    jobs: jobs.map((job) => ({ ...job, state: decodeJobState(job.state) })),
  };
}

function encodeSplit({ guard, ...split }: SplitRecord): WireSplit {
  return guard ? { ...split, guard: GUARD_STATES[guard.state], guardReason: guard.reason } : split;
}

function decodeSplit({ guard, guardReason, ...split }: SplitRecord__Output): SplitRecord {
  const state = (Object.keys(GUARD_STATES) as GuardRecord['state'][]).find((each) => GUARD_STATES[each] === guard);
  return state ? { ...split, guard: { state, reason: guardReason } } : split;
}

function decodePod({ logTail, ...pod }: PodRecord__Output): PodRecord {
  return logTail ? { ...pod, logTail } : pod;
}

/** A state that this side does not know counts as running: it neither passes nor fails a test. */
function decodeJobState(wire: JobState__Output): JobRecord['state'] {
  if (wire === 'JOB_COMPLETE') return 'complete';
  return wire === 'JOB_FAILED' ? 'failed' : 'running';
}
