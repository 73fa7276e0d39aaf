// Original file: proto/sluice/agent/v1/agent.proto


export interface EnrolRequest {
  /**
   * Of the join token.
   */
  'secret'?: (string);
  /**
   * PKCS#10, DER, of a P-256 key that never leaves the agent. Asked again with the same key, the answer is the same right
   * again: the first one may not have arrived. With another key the token is used up.
   */
  'csr'?: (Buffer | Uint8Array | string);
  /**
   * As in Hello, for people.
   */
  'instanceId'?: (string);
  'agentVersion'?: (string);
}

export interface EnrolRequest__Output {
  /**
   * Of the join token.
   */
  'secret': (string);
  /**
   * PKCS#10, DER, of a P-256 key that never leaves the agent. Asked again with the same key, the answer is the same right
   * again: the first one may not have arrived. With another key the token is used up.
   */
  'csr': (Buffer);
  /**
   * As in Hello, for people.
   */
  'instanceId': (string);
  'agentVersion': (string);
}
