// Original file: proto/sluice/agent/v1/agent.proto


/**
 * Hub, after Welcome and at each change, to an agent with the capability "trust": by whom the hub's certificate may be signed
 * from now on. The agent stores it, beside its certificate, and answers Holds.
 */
export interface Trust {
  /**
   * PEM, one or more.
   */
  'ca'?: (string);
  /**
   * The agent's certificate is of an authority that is on its way out: renew now, at a random moment within spread_ms.
   */
  'renew'?: (boolean);
  'spreadMs'?: (number);
}

/**
 * Hub, after Welcome and at each change, to an agent with the capability "trust": by whom the hub's certificate may be signed
 * from now on. The agent stores it, beside its certificate, and answers Holds.
 */
export interface Trust__Output {
  /**
   * PEM, one or more.
   */
  'ca': (string);
  /**
   * The agent's certificate is of an authority that is on its way out: renew now, at a random moment within spread_ms.
   */
  'renew': (boolean);
  'spreadMs': (number);
}
