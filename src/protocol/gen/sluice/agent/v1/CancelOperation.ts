// Original file: proto/sluice/agent/v1/agent.proto


/**
 * Hub, when a run is aborted: an operation that waits ends as CANCELLED; one that runs is interrupted where that is harmless.
 */
export interface CancelOperation {
  'id'?: (string);
}

/**
 * Hub, when a run is aborted: an operation that waits ends as CANCELLED; one that runs is interrupted where that is harmless.
 */
export interface CancelOperation__Output {
  'id': (string);
}
