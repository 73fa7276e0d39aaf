// Original file: proto/sluice/agent/v1/agent.proto

import type { WeightRecord as _sluice_agent_v1_WeightRecord, WeightRecord__Output as _sluice_agent_v1_WeightRecord__Output } from '../../../sluice/agent/v1/WeightRecord.ts';

export interface ProfileRecord {
  'name'?: (string);
  'resourceVersion'?: (string);
  'weights'?: (_sluice_agent_v1_WeightRecord)[];
}

export interface ProfileRecord__Output {
  'name': (string);
  'resourceVersion': (string);
  'weights': (_sluice_agent_v1_WeightRecord__Output)[];
}
