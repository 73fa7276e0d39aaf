/** Watches and snapshots between their domain form and the wire's. */

import type { JobRecord, Snapshot, Watch } from './snapshot.ts';
import type { JobState__Output } from './gen/sluice/agent/v1/JobState.ts';
import type { Snapshot as WireSnapshot, Snapshot__Output } from './gen/sluice/agent/v1/Snapshot.ts';
import type { Watch as WireWatch, Watch__Output } from './gen/sluice/agent/v1/Watch.ts';

const JOB_STATES: Record<JobRecord['state'], JobState__Output> = {
  running: 'JOB_RUNNING',
  complete: 'JOB_COMPLETE',
  failed: 'JOB_FAILED',
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
  return { ...snapshot, jobs };
}

export function decodeSnapshot(wire: Snapshot__Output): Snapshot {
  const { deployment, split, jobs, ...rest } = wire;
  return {
    ...rest,
    ...(deployment && { deployment }),
    ...(split && { split }),
    jobs: jobs.map((job) => ({ ...job, state: decodeJobState(job.state) })),
  };
}

/** A state that this side does not know counts as running: it neither passes nor fails a test. */
function decodeJobState(wire: JobState__Output): JobRecord['state'] {
  if (wire === 'JOB_COMPLETE') return 'complete';
  return wire === 'JOB_FAILED' ? 'failed' : 'running';
}
