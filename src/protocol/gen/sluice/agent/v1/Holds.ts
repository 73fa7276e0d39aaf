// Original file: proto/sluice/agent/v1/agent.proto


/**
 * Agent, after Trust and after each renewal: what it has stored, so what it will come back with.
 */
export interface Holds {
  /**
   * SHA-256 of each authority's certificate (DER), hexadecimal.
   */
  'authorities'?: (string)[];
  /**
   * Of its certificate, hexadecimal; empty: it has none.
   */
  'serial'?: (string);
}

/**
 * Agent, after Trust and after each renewal: what it has stored, so what it will come back with.
 */
export interface Holds__Output {
  /**
   * SHA-256 of each authority's certificate (DER), hexadecimal.
   */
  'authorities': (string)[];
  /**
   * Of its certificate, hexadecimal; empty: it has none.
   */
  'serial': (string);
}
