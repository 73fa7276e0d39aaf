// Original file: proto/sluice/agent/v1/agent.proto

import type { JobState as _sluice_agent_v1_JobState, JobState__Output as _sluice_agent_v1_JobState__Output } from '../../../sluice/agent/v1/JobState.ts';

export interface JobRecord {
  'name'?: (string);
  'uid'?: (string);
  'active'?: (number);
  'succeeded'?: (number);
  'failed'?: (number);
  'state'?: (_sluice_agent_v1_JobState);
  'reason'?: (string);
  'message'?: (string);
}

export interface JobRecord__Output {
  'name': (string);
  'uid': (string);
  'active': (number);
  'succeeded': (number);
  'failed': (number);
  'state': (_sluice_agent_v1_JobState__Output);
  'reason': (string);
  'message': (string);
}
