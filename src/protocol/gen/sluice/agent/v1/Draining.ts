// Original file: proto/sluice/agent/v1/agent.proto


/**
 * Agent, once, when it is told to stop: send no more operations. It finishes those in flight, then half-closes.
 */
export interface Draining {
  'reason'?: (string);
}

/**
 * Agent, once, when it is told to stop: send no more operations. It finishes those in flight, then half-closes.
 */
export interface Draining__Output {
  'reason': (string);
}
