// Original file: proto/sluice/agent/v1/agent.proto


export interface RenewRequest {
  /**
   * PKCS#10, DER, of a new P-256 key.
   */
  'csr'?: (Buffer | Uint8Array | string);
}

export interface RenewRequest__Output {
  /**
   * PKCS#10, DER, of a new P-256 key.
   */
  'csr': (Buffer);
}
