// Original file: proto/sluice/agent/v1/agent.proto

import type { ObjectRef as _sluice_agent_v1_ObjectRef, ObjectRef__Output as _sluice_agent_v1_ObjectRef__Output } from '../../../sluice/agent/v1/ObjectRef.ts';
import type { Propagation as _sluice_agent_v1_Propagation, Propagation__Output as _sluice_agent_v1_Propagation__Output } from '../../../sluice/agent/v1/Propagation.ts';

export interface Delete {
  'object'?: (_sluice_agent_v1_ObjectRef | null);
  'propagation'?: (_sluice_agent_v1_Propagation);
  'waitGone'?: (boolean);
}

export interface Delete__Output {
  'object': (_sluice_agent_v1_ObjectRef__Output | null);
  'propagation': (_sluice_agent_v1_Propagation__Output);
  'waitGone': (boolean);
}
