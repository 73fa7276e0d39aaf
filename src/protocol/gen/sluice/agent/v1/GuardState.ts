// Original file: proto/sluice/agent/v1/agent.proto

export const GuardState = {
  GUARD_STATE_UNSPECIFIED: 'GUARD_STATE_UNSPECIFIED',
  ARMED: 'ARMED',
  FIRED: 'FIRED',
  /**
   * The orchestrator was lost and the guard is told to hold: weights stay.
   */
  HOLDING: 'HOLDING',
  /**
   * What is stored is no guard's record (somebody edited it): nothing guards.
   */
  UNREADABLE: 'UNREADABLE',
} as const;

export type GuardState =
  | 'GUARD_STATE_UNSPECIFIED'
  | 0
  | 'ARMED'
  | 1
  | 'FIRED'
  | 2
  /**
   * The orchestrator was lost and the guard is told to hold: weights stay.
   */
  | 'HOLDING'
  | 3
  /**
   * What is stored is no guard's record (somebody edited it): nothing guards.
   */
  | 'UNREADABLE'
  | 4

export type GuardState__Output = typeof GuardState[keyof typeof GuardState]
