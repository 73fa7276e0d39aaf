// Original file: proto/sluice/agent/v1/agent.proto

import type { WeightRecord as _sluice_agent_v1_WeightRecord, WeightRecord__Output as _sluice_agent_v1_WeightRecord__Output } from '../../../sluice/agent/v1/WeightRecord.ts';
import type { GuardState as _sluice_agent_v1_GuardState, GuardState__Output as _sluice_agent_v1_GuardState__Output } from '../../../sluice/agent/v1/GuardState.ts';

export interface SplitRecord {
  'name'?: (string);
  'uid'?: (string);
  'resourceVersion'?: (string);
  'service'?: (string);
  'weights'?: (_sluice_agent_v1_WeightRecord)[];
  'guard'?: (_sluice_agent_v1_GuardState);
  /**
   * Why it fired, or what it holds for.
   */
  'guardReason'?: (string);
}

export interface SplitRecord__Output {
  'name': (string);
  'uid': (string);
  'resourceVersion': (string);
  'service': (string);
  'weights': (_sluice_agent_v1_WeightRecord__Output)[];
  'guard': (_sluice_agent_v1_GuardState__Output);
  /**
   * Why it fired, or what it holds for.
   */
  'guardReason': (string);
}
