// Original file: proto/sluice/agent/v1/agent.proto

import type { OperationState as _sluice_agent_v1_OperationState, OperationState__Output as _sluice_agent_v1_OperationState__Output } from '../../../sluice/agent/v1/OperationState.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Agent, at each change of an operation's state; RUNNING comes again with a new message as it goes on. A terminal one is sent again in every session until ResultStored names it.
 */
export interface OperationStatus {
  'id'?: (string);
  'state'?: (_sluice_agent_v1_OperationState);
  /**
   * ResultCode of src/protocol/operation.ts: closed and stable, text so that an older hub can show a newer one.
   */
  'code'?: (string);
  /**
   * What happened, to what, and what to do; while it runs, what it does now. Empty on success.
   */
  'message'?: (string);
  /**
   * JSON of the kind's ResultValue; only with SUCCEEDED.
   */
  'result'?: (Buffer | Uint8Array | string);
  /**
   * The epoch of the session that delivered the operation.
   */
  'epoch'?: (number | string | Long);
  /**
   * Agent's clock, corrected by the hub's (Welcome.server_time_ms).
   */
  'atMs'?: (number | string | Long);
}

/**
 * Agent, at each change of an operation's state; RUNNING comes again with a new message as it goes on. A terminal one is sent again in every session until ResultStored names it.
 */
export interface OperationStatus__Output {
  'id': (string);
  'state': (_sluice_agent_v1_OperationState__Output);
  /**
   * ResultCode of src/protocol/operation.ts: closed and stable, text so that an older hub can show a newer one.
   */
  'code': (string);
  /**
   * What happened, to what, and what to do; while it runs, what it does now. Empty on success.
   */
  'message': (string);
  /**
   * JSON of the kind's ResultValue; only with SUCCEEDED.
   */
  'result': (Buffer);
  /**
   * The epoch of the session that delivered the operation.
   */
  'epoch': (number);
  /**
   * Agent's clock, corrected by the hub's (Welcome.server_time_ms).
   */
  'atMs': (number);
}
