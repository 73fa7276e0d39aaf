// Original file: proto/sluice/agent/v1/agent.proto


/**
 * Agent, at once when operations arrived: they are journaled, sending them again in this session is needless.
 * It says nothing on whether they will run; that is the status.
 */
export interface Received {
  'ids'?: (string)[];
}

/**
 * Agent, at once when operations arrived: they are journaled, sending them again in this session is needless.
 * It says nothing on whether they will run; that is the status.
 */
export interface Received__Output {
  'ids': (string)[];
}
