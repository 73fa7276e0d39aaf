// Original file: proto/sluice/agent/v1/agent.proto


/**
 * Hub, first message of a session it does not take; it closes after it.
 */
export interface Refused {
  /**
   * VERSION | FENCED | RETRY | UNAUTHENTICATED | LIMIT
   */
  'code'?: (string);
  'message'?: (string);
  /**
   * 0: the agent's own schedule.
   */
  'retryAfterMs'?: (number);
}

/**
 * Hub, first message of a session it does not take; it closes after it.
 */
export interface Refused__Output {
  /**
   * VERSION | FENCED | RETRY | UNAUTHENTICATED | LIMIT
   */
  'code': (string);
  'message': (string);
  /**
   * 0: the agent's own schedule.
   */
  'retryAfterMs': (number);
}
