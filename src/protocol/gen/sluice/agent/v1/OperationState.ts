// Original file: proto/sluice/agent/v1/agent.proto

/**
 * The life of an operation. ACCEPTED and RUNNING are on the way, the others end it.
 */
export const OperationState = {
  OPERATION_STATE_UNSPECIFIED: 'OPERATION_STATE_UNSPECIFIED',
  ACCEPTED: 'ACCEPTED',
  RUNNING: 'RUNNING',
  /**
   * It never ran: policy, unknown kind, malformed.
   */
  REJECTED: 'REJECTED',
  SUCCEEDED: 'SUCCEEDED',
  FAILED: 'FAILED',
  SUPERSEDED: 'SUPERSEDED',
  /**
   * Its turn came after not_after_ms.
   */
  EXPIRED: 'EXPIRED',
  CANCELLED: 'CANCELLED',
} as const;

/**
 * The life of an operation. ACCEPTED and RUNNING are on the way, the others end it.
 */
export type OperationState =
  | 'OPERATION_STATE_UNSPECIFIED'
  | 0
  | 'ACCEPTED'
  | 1
  | 'RUNNING'
  | 2
  /**
   * It never ran: policy, unknown kind, malformed.
   */
  | 'REJECTED'
  | 3
  | 'SUCCEEDED'
  | 4
  | 'FAILED'
  | 5
  | 'SUPERSEDED'
  | 6
  /**
   * Its turn came after not_after_ms.
   */
  | 'EXPIRED'
  | 7
  | 'CANCELLED'
  | 8

/**
 * The life of an operation. ACCEPTED and RUNNING are on the way, the others end it.
 */
export type OperationState__Output = typeof OperationState[keyof typeof OperationState]
