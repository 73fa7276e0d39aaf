// Original file: proto/sluice/agent/v1/agent.proto


/**
 * Hub, before it closes a session on purpose. The agent comes back after reconnect_after_ms plus a random part of spread_ms.
 */
export interface GoAway {
  'reason'?: (string);
  'reconnectAfterMs'?: (number);
  'spreadMs'?: (number);
}

/**
 * Hub, before it closes a session on purpose. The agent comes back after reconnect_after_ms plus a random part of spread_ms.
 */
export interface GoAway__Output {
  'reason': (string);
  'reconnectAfterMs': (number);
  'spreadMs': (number);
}
