// Original file: proto/sluice/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface CheckReply {
  /**
   * Whose credential it is.
   */
  'account'?: (string);
  /**
   * The version both would speak.
   */
  'protocol'?: (number);
  'serverTimeMs'?: (number | string | Long);
  'orchestratorVersion'?: (string);
  /**
   * A session of the account is live: its agent runs.
   */
  'connected'?: (boolean);
}

export interface CheckReply__Output {
  /**
   * Whose credential it is.
   */
  'account': (string);
  /**
   * The version both would speak.
   */
  'protocol': (number);
  'serverTimeMs': (number);
  'orchestratorVersion': (string);
  /**
   * A session of the account is live: its agent runs.
   */
  'connected': (boolean);
}
