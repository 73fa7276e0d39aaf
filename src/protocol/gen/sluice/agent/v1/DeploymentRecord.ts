// Original file: proto/sluice/agent/v1/agent.proto

import type { Problem as _sluice_agent_v1_Problem, Problem__Output as _sluice_agent_v1_Problem__Output } from '../../../sluice/agent/v1/Problem.ts';
import type { Long } from '@grpc/proto-loader';

export interface DeploymentRecord {
  'uid'?: (string);
  'resourceVersion'?: (string);
  'generation'?: (number | string | Long);
  'observedGeneration'?: (number | string | Long);
  'paused'?: (boolean);
  'desired'?: (number);
  'replicas'?: (number);
  'updated'?: (number);
  'ready'?: (number);
  'available'?: (number);
  'problems'?: (_sluice_agent_v1_Problem)[];
}

export interface DeploymentRecord__Output {
  'uid': (string);
  'resourceVersion': (string);
  'generation': (number);
  'observedGeneration': (number);
  'paused': (boolean);
  'desired': (number);
  'replicas': (number);
  'updated': (number);
  'ready': (number);
  'available': (number);
  'problems': (_sluice_agent_v1_Problem__Output)[];
}
