// Original file: proto/sluice/agent/v1/agent.proto

import type { ObjectRef as _sluice_agent_v1_ObjectRef, ObjectRef__Output as _sluice_agent_v1_ObjectRef__Output } from '../../../sluice/agent/v1/ObjectRef.ts';

export interface Scale {
  'object'?: (_sluice_agent_v1_ObjectRef | null);
  'replicas'?: (number);
}

export interface Scale__Output {
  'object': (_sluice_agent_v1_ObjectRef__Output | null);
  'replicas': (number);
}
