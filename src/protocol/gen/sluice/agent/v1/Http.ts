// Original file: proto/sluice/agent/v1/agent.proto


/**
 * A request from inside the cluster, to an address that the agent's policy allows: a webhook, a query.
 */
export interface Http {
  'method'?: (string);
  'url'?: (string);
  'headers'?: ({[key: string]: string});
  'body'?: (Buffer | Uint8Array | string);
  /**
   * The whole of it, the answer's body included.
   */
  'timeoutMs'?: (number);
  /**
   * A longer body ends as TOO_LARGE. 0: 64 KiB.
   */
  'maxBytes'?: (number);
}

/**
 * A request from inside the cluster, to an address that the agent's policy allows: a webhook, a query.
 */
export interface Http__Output {
  'method': (string);
  'url': (string);
  'headers': ({[key: string]: string});
  'body': (Buffer);
  /**
   * The whole of it, the answer's body included.
   */
  'timeoutMs': (number);
  /**
   * A longer body ends as TOO_LARGE. 0: 64 KiB.
   */
  'maxBytes': (number);
}
