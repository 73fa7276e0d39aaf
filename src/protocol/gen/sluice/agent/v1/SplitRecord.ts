// Original file: proto/sluice/agent/v1/agent.proto

import type { WeightRecord as _sluice_agent_v1_WeightRecord, WeightRecord__Output as _sluice_agent_v1_WeightRecord__Output } from '../../../sluice/agent/v1/WeightRecord.ts';

export interface SplitRecord {
  'name'?: (string);
  'uid'?: (string);
  'resourceVersion'?: (string);
  'service'?: (string);
  'weights'?: (_sluice_agent_v1_WeightRecord)[];
}

export interface SplitRecord__Output {
  'name': (string);
  'uid': (string);
  'resourceVersion': (string);
  'service': (string);
  'weights': (_sluice_agent_v1_WeightRecord__Output)[];
}
