// Original file: proto/sluice/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface IssuedCredential {
  'account'?: (string);
  /**
   * PEM, for the key of the request. Empty where a proxy before the hub ends TLS.
   */
  'certificate'?: (string);
  /**
   * A bearer token, there alone.
   */
  'token'?: (string);
  /**
   * PEM, one or more: by whom the hub's certificate may be signed. Empty: by an authority that the system trusts.
   */
  'ca'?: (string);
  /**
   * The hub's clock: the agent reckons the certificate's days by it, not by its own.
   */
  'serverTimeMs'?: (number | string | Long);
}

export interface IssuedCredential__Output {
  'account': (string);
  /**
   * PEM, for the key of the request. Empty where a proxy before the hub ends TLS.
   */
  'certificate': (string);
  /**
   * A bearer token, there alone.
   */
  'token': (string);
  /**
   * PEM, one or more: by whom the hub's certificate may be signed. Empty: by an authority that the system trusts.
   */
  'ca': (string);
  /**
   * The hub's clock: the agent reckons the certificate's days by it, not by its own.
   */
  'serverTimeMs': (number);
}
