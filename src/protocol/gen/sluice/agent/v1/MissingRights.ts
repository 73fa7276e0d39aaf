// Original file: proto/sluice/agent/v1/agent.proto

import type { AccessRule as _sluice_agent_v1_AccessRule, AccessRule__Output as _sluice_agent_v1_AccessRule__Output } from '../../../sluice/agent/v1/AccessRule.ts';

export interface MissingRights {
  'namespace'?: (string);
  'rules'?: (_sluice_agent_v1_AccessRule)[];
}

export interface MissingRights__Output {
  'namespace': (string);
  'rules': (_sluice_agent_v1_AccessRule__Output)[];
}
