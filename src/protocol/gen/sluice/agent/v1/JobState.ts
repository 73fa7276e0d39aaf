// Original file: proto/sluice/agent/v1/agent.proto

export const JobState = {
  JOB_STATE_UNSPECIFIED: 'JOB_STATE_UNSPECIFIED',
  JOB_RUNNING: 'JOB_RUNNING',
  JOB_COMPLETE: 'JOB_COMPLETE',
  JOB_FAILED: 'JOB_FAILED',
} as const;

export type JobState =
  | 'JOB_STATE_UNSPECIFIED'
  | 0
  | 'JOB_RUNNING'
  | 1
  | 'JOB_COMPLETE'
  | 2
  | 'JOB_FAILED'
  | 3

export type JobState__Output = typeof JobState[keyof typeof JobState]
