// Original file: proto/sluice/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Hub, first message of a session it takes.
 */
export interface Welcome {
  'sessionId'?: (string);
  /**
   * Raised in the database at each session taken. The agent refuses operations that carry a lower one.
   */
  'epoch'?: (number | string | Long);
  /**
   * The version both speak.
   */
  'protocol'?: (number);
  'heartbeatMs'?: (number);
  /**
   * The smaller of what both sides take.
   */
  'credit'?: (number);
  'maxMessageBytes'?: (number);
  /**
   * For deadlines: the agent judges not_after_ms by this clock, not by its own. Each heartbeat of the hub's corrects it.
   */
  'serverTimeMs'?: (number | string | Long);
  /**
   * The largest message that may come in chunks; 0: none may.
   */
  'maxTotalBytes'?: (number);
}

/**
 * Hub, first message of a session it takes.
 */
export interface Welcome__Output {
  'sessionId': (string);
  /**
   * Raised in the database at each session taken. The agent refuses operations that carry a lower one.
   */
  'epoch': (number);
  /**
   * The version both speak.
   */
  'protocol': (number);
  'heartbeatMs': (number);
  /**
   * The smaller of what both sides take.
   */
  'credit': (number);
  'maxMessageBytes': (number);
  /**
   * For deadlines: the agent judges not_after_ms by this clock, not by its own. Each heartbeat of the hub's corrects it.
   */
  'serverTimeMs': (number);
  /**
   * The largest message that may come in chunks; 0: none may.
   */
  'maxTotalBytes': (number);
}
