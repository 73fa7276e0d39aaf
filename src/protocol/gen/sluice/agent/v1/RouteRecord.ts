// Original file: proto/sluice/agent/v1/agent.proto

import type { WeightRecord as _sluice_agent_v1_WeightRecord, WeightRecord__Output as _sluice_agent_v1_WeightRecord__Output } from '../../../sluice/agent/v1/WeightRecord.ts';
import type { Long } from '@grpc/proto-loader';

export interface RouteRecord {
  'name'?: (string);
  'uid'?: (string);
  'resourceVersion'?: (string);
  'generation'?: (number | string | Long);
  'weights'?: (_sluice_agent_v1_WeightRecord)[];
  'accepted'?: (boolean);
  'resolved'?: (boolean);
  'observedGeneration'?: (number | string | Long);
  'reason'?: (string);
}

export interface RouteRecord__Output {
  'name': (string);
  'uid': (string);
  'resourceVersion': (string);
  'generation': (number);
  'weights': (_sluice_agent_v1_WeightRecord__Output)[];
  'accepted': (boolean);
  'resolved': (boolean);
  'observedGeneration': (number);
  'reason': (string);
}
