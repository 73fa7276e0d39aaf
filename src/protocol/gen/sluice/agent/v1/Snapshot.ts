// Original file: proto/sluice/agent/v1/agent.proto

import type { DeploymentRecord as _sluice_agent_v1_DeploymentRecord, DeploymentRecord__Output as _sluice_agent_v1_DeploymentRecord__Output } from '../../../sluice/agent/v1/DeploymentRecord.ts';
import type { ReplicaSetRecord as _sluice_agent_v1_ReplicaSetRecord, ReplicaSetRecord__Output as _sluice_agent_v1_ReplicaSetRecord__Output } from '../../../sluice/agent/v1/ReplicaSetRecord.ts';
import type { PodRecord as _sluice_agent_v1_PodRecord, PodRecord__Output as _sluice_agent_v1_PodRecord__Output } from '../../../sluice/agent/v1/PodRecord.ts';
import type { EndpointsRecord as _sluice_agent_v1_EndpointsRecord, EndpointsRecord__Output as _sluice_agent_v1_EndpointsRecord__Output } from '../../../sluice/agent/v1/EndpointsRecord.ts';
import type { SplitRecord as _sluice_agent_v1_SplitRecord, SplitRecord__Output as _sluice_agent_v1_SplitRecord__Output } from '../../../sluice/agent/v1/SplitRecord.ts';
import type { RouteRecord as _sluice_agent_v1_RouteRecord, RouteRecord__Output as _sluice_agent_v1_RouteRecord__Output } from '../../../sluice/agent/v1/RouteRecord.ts';
import type { ProfileRecord as _sluice_agent_v1_ProfileRecord, ProfileRecord__Output as _sluice_agent_v1_ProfileRecord__Output } from '../../../sluice/agent/v1/ProfileRecord.ts';
import type { JobRecord as _sluice_agent_v1_JobRecord, JobRecord__Output as _sluice_agent_v1_JobRecord__Output } from '../../../sluice/agent/v1/JobRecord.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Agent, at each change of what a watch shows (a turn for the worse at once, others gathered for a moment): the whole picture.
 * Latest wins: what the stream could not take in time is replaced, never queued. Records as in src/protocol/snapshot.ts.
 */
export interface Snapshot {
  'watchId'?: (string);
  'version'?: (number | string | Long);
  'atMs'?: (number | string | Long);
  'complete'?: (boolean);
  'stale'?: (boolean);
  'staleReason'?: (string);
  'deployment'?: (_sluice_agent_v1_DeploymentRecord | null);
  'replicaSets'?: (_sluice_agent_v1_ReplicaSetRecord)[];
  'pods'?: (_sluice_agent_v1_PodRecord)[];
  'endpoints'?: (_sluice_agent_v1_EndpointsRecord)[];
  'split'?: (_sluice_agent_v1_SplitRecord | null);
  'routes'?: (_sluice_agent_v1_RouteRecord)[];
  'profiles'?: (_sluice_agent_v1_ProfileRecord)[];
  'jobs'?: (_sluice_agent_v1_JobRecord)[];
}

/**
 * Agent, at each change of what a watch shows (a turn for the worse at once, others gathered for a moment): the whole picture.
 * Latest wins: what the stream could not take in time is replaced, never queued. Records as in src/protocol/snapshot.ts.
 */
export interface Snapshot__Output {
  'watchId': (string);
  'version': (number);
  'atMs': (number);
  'complete': (boolean);
  'stale': (boolean);
  'staleReason': (string);
  'deployment': (_sluice_agent_v1_DeploymentRecord__Output | null);
  'replicaSets': (_sluice_agent_v1_ReplicaSetRecord__Output)[];
  'pods': (_sluice_agent_v1_PodRecord__Output)[];
  'endpoints': (_sluice_agent_v1_EndpointsRecord__Output)[];
  'split': (_sluice_agent_v1_SplitRecord__Output | null);
  'routes': (_sluice_agent_v1_RouteRecord__Output)[];
  'profiles': (_sluice_agent_v1_ProfileRecord__Output)[];
  'jobs': (_sluice_agent_v1_JobRecord__Output)[];
}
