// Original file: proto/sluice/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Both, every Welcome.heartbeat_ms, whatever else is sent. Three missed end the session. HTTP/2 pings alone do not show a
 * stalled application, and do not reset the idle timers of proxies between the two.
 */
export interface Heartbeat {
  'atMs'?: (number | string | Long);
  /**
   * Agent: operations without a terminal status. Hub: 0.
   */
  'inFlight'?: (number);
}

/**
 * Both, every Welcome.heartbeat_ms, whatever else is sent. Three missed end the session. HTTP/2 pings alone do not show a
 * stalled application, and do not reset the idle timers of proxies between the two.
 */
export interface Heartbeat__Output {
  'atMs': (number);
  /**
   * Agent: operations without a terminal status. Hub: 0.
   */
  'inFlight': (number);
}
