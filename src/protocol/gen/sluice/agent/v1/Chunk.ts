// Original file: proto/sluice/agent/v1/agent.proto


/**
 * Both, from protocol 2 on: a piece of one encoded AgentMessage or HubMessage that is too large to go in one. The pieces of
 * one id come in order; other messages, heartbeats above all, pass between them. The whole is at most Welcome.max_total_bytes.
 */
export interface Chunk {
  /**
   * Unique in its session.
   */
  'id'?: (string);
  /**
   * From 0.
   */
  'index'?: (number);
  'last'?: (boolean);
  'data'?: (Buffer | Uint8Array | string);
  /**
   * Of the whole, with the last piece.
   */
  'sha256'?: (Buffer | Uint8Array | string);
}

/**
 * Both, from protocol 2 on: a piece of one encoded AgentMessage or HubMessage that is too large to go in one. The pieces of
 * one id come in order; other messages, heartbeats above all, pass between them. The whole is at most Welcome.max_total_bytes.
 */
export interface Chunk__Output {
  /**
   * Unique in its session.
   */
  'id': (string);
  /**
   * From 0.
   */
  'index': (number);
  'last': (boolean);
  'data': (Buffer);
  /**
   * Of the whole, with the last piece.
   */
  'sha256': (Buffer);
}
