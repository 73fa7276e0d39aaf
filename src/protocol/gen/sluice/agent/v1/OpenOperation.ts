// Original file: proto/sluice/agent/v1/agent.proto

import type { OperationState as _sluice_agent_v1_OperationState, OperationState__Output as _sluice_agent_v1_OperationState__Output } from '../../../sluice/agent/v1/OperationState.ts';

export interface OpenOperation {
  'id'?: (string);
  'state'?: (_sluice_agent_v1_OperationState);
}

export interface OpenOperation__Output {
  'id': (string);
  'state': (_sluice_agent_v1_OperationState__Output);
}
