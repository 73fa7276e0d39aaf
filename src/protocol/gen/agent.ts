import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AccessRule as _sluice_agent_v1_AccessRule, AccessRule__Output as _sluice_agent_v1_AccessRule__Output } from './sluice/agent/v1/AccessRule.ts';
import type { AgentHubClient as _sluice_agent_v1_AgentHubClient, AgentHubDefinition as _sluice_agent_v1_AgentHubDefinition } from './sluice/agent/v1/AgentHub.ts';
import type { AgentMessage as _sluice_agent_v1_AgentMessage, AgentMessage__Output as _sluice_agent_v1_AgentMessage__Output } from './sluice/agent/v1/AgentMessage.ts';
import type { Apply as _sluice_agent_v1_Apply, Apply__Output as _sluice_agent_v1_Apply__Output } from './sluice/agent/v1/Apply.ts';
import type { CancelOperation as _sluice_agent_v1_CancelOperation, CancelOperation__Output as _sluice_agent_v1_CancelOperation__Output } from './sluice/agent/v1/CancelOperation.ts';
import type { CheckReply as _sluice_agent_v1_CheckReply, CheckReply__Output as _sluice_agent_v1_CheckReply__Output } from './sluice/agent/v1/CheckReply.ts';
import type { Chunk as _sluice_agent_v1_Chunk, Chunk__Output as _sluice_agent_v1_Chunk__Output } from './sluice/agent/v1/Chunk.ts';
import type { Delete as _sluice_agent_v1_Delete, Delete__Output as _sluice_agent_v1_Delete__Output } from './sluice/agent/v1/Delete.ts';
import type { DeploymentRecord as _sluice_agent_v1_DeploymentRecord, DeploymentRecord__Output as _sluice_agent_v1_DeploymentRecord__Output } from './sluice/agent/v1/DeploymentRecord.ts';
import type { Discover as _sluice_agent_v1_Discover, Discover__Output as _sluice_agent_v1_Discover__Output } from './sluice/agent/v1/Discover.ts';
import type { Draining as _sluice_agent_v1_Draining, Draining__Output as _sluice_agent_v1_Draining__Output } from './sluice/agent/v1/Draining.ts';
import type { EndpointsRecord as _sluice_agent_v1_EndpointsRecord, EndpointsRecord__Output as _sluice_agent_v1_EndpointsRecord__Output } from './sluice/agent/v1/EndpointsRecord.ts';
import type { EnrolRequest as _sluice_agent_v1_EnrolRequest, EnrolRequest__Output as _sluice_agent_v1_EnrolRequest__Output } from './sluice/agent/v1/EnrolRequest.ts';
import type { Get as _sluice_agent_v1_Get, Get__Output as _sluice_agent_v1_Get__Output } from './sluice/agent/v1/Get.ts';
import type { GoAway as _sluice_agent_v1_GoAway, GoAway__Output as _sluice_agent_v1_GoAway__Output } from './sluice/agent/v1/GoAway.ts';
import type { Guard as _sluice_agent_v1_Guard, Guard__Output as _sluice_agent_v1_Guard__Output } from './sluice/agent/v1/Guard.ts';
import type { GuardWrite as _sluice_agent_v1_GuardWrite, GuardWrite__Output as _sluice_agent_v1_GuardWrite__Output } from './sluice/agent/v1/GuardWrite.ts';
import type { Heartbeat as _sluice_agent_v1_Heartbeat, Heartbeat__Output as _sluice_agent_v1_Heartbeat__Output } from './sluice/agent/v1/Heartbeat.ts';
import type { Hello as _sluice_agent_v1_Hello, Hello__Output as _sluice_agent_v1_Hello__Output } from './sluice/agent/v1/Hello.ts';
import type { Holds as _sluice_agent_v1_Holds, Holds__Output as _sluice_agent_v1_Holds__Output } from './sluice/agent/v1/Holds.ts';
import type { Http as _sluice_agent_v1_Http, Http__Output as _sluice_agent_v1_Http__Output } from './sluice/agent/v1/Http.ts';
import type { HubMessage as _sluice_agent_v1_HubMessage, HubMessage__Output as _sluice_agent_v1_HubMessage__Output } from './sluice/agent/v1/HubMessage.ts';
import type { IssuedCredential as _sluice_agent_v1_IssuedCredential, IssuedCredential__Output as _sluice_agent_v1_IssuedCredential__Output } from './sluice/agent/v1/IssuedCredential.ts';
import type { JobRecord as _sluice_agent_v1_JobRecord, JobRecord__Output as _sluice_agent_v1_JobRecord__Output } from './sluice/agent/v1/JobRecord.ts';
import type { List as _sluice_agent_v1_List, List__Output as _sluice_agent_v1_List__Output } from './sluice/agent/v1/List.ts';
import type { Logs as _sluice_agent_v1_Logs, Logs__Output as _sluice_agent_v1_Logs__Output } from './sluice/agent/v1/Logs.ts';
import type { MissingRights as _sluice_agent_v1_MissingRights, MissingRights__Output as _sluice_agent_v1_MissingRights__Output } from './sluice/agent/v1/MissingRights.ts';
import type { ObjectRef as _sluice_agent_v1_ObjectRef, ObjectRef__Output as _sluice_agent_v1_ObjectRef__Output } from './sluice/agent/v1/ObjectRef.ts';
import type { OpenOperation as _sluice_agent_v1_OpenOperation, OpenOperation__Output as _sluice_agent_v1_OpenOperation__Output } from './sluice/agent/v1/OpenOperation.ts';
import type { Operation as _sluice_agent_v1_Operation, Operation__Output as _sluice_agent_v1_Operation__Output } from './sluice/agent/v1/Operation.ts';
import type { OperationStatus as _sluice_agent_v1_OperationStatus, OperationStatus__Output as _sluice_agent_v1_OperationStatus__Output } from './sluice/agent/v1/OperationStatus.ts';
import type { Patch as _sluice_agent_v1_Patch, Patch__Output as _sluice_agent_v1_Patch__Output } from './sluice/agent/v1/Patch.ts';
import type { PodRecord as _sluice_agent_v1_PodRecord, PodRecord__Output as _sluice_agent_v1_PodRecord__Output } from './sluice/agent/v1/PodRecord.ts';
import type { Problem as _sluice_agent_v1_Problem, Problem__Output as _sluice_agent_v1_Problem__Output } from './sluice/agent/v1/Problem.ts';
import type { ProfileRecord as _sluice_agent_v1_ProfileRecord, ProfileRecord__Output as _sluice_agent_v1_ProfileRecord__Output } from './sluice/agent/v1/ProfileRecord.ts';
import type { Received as _sluice_agent_v1_Received, Received__Output as _sluice_agent_v1_Received__Output } from './sluice/agent/v1/Received.ts';
import type { Refused as _sluice_agent_v1_Refused, Refused__Output as _sluice_agent_v1_Refused__Output } from './sluice/agent/v1/Refused.ts';
import type { RenewRequest as _sluice_agent_v1_RenewRequest, RenewRequest__Output as _sluice_agent_v1_RenewRequest__Output } from './sluice/agent/v1/RenewRequest.ts';
import type { ReplicaSetRecord as _sluice_agent_v1_ReplicaSetRecord, ReplicaSetRecord__Output as _sluice_agent_v1_ReplicaSetRecord__Output } from './sluice/agent/v1/ReplicaSetRecord.ts';
import type { ResultStored as _sluice_agent_v1_ResultStored, ResultStored__Output as _sluice_agent_v1_ResultStored__Output } from './sluice/agent/v1/ResultStored.ts';
import type { ReviewAccess as _sluice_agent_v1_ReviewAccess, ReviewAccess__Output as _sluice_agent_v1_ReviewAccess__Output } from './sluice/agent/v1/ReviewAccess.ts';
import type { RouteRecord as _sluice_agent_v1_RouteRecord, RouteRecord__Output as _sluice_agent_v1_RouteRecord__Output } from './sluice/agent/v1/RouteRecord.ts';
import type { Scale as _sluice_agent_v1_Scale, Scale__Output as _sluice_agent_v1_Scale__Output } from './sluice/agent/v1/Scale.ts';
import type { Scrape as _sluice_agent_v1_Scrape, Scrape__Output as _sluice_agent_v1_Scrape__Output } from './sluice/agent/v1/Scrape.ts';
import type { Snapshot as _sluice_agent_v1_Snapshot, Snapshot__Output as _sluice_agent_v1_Snapshot__Output } from './sluice/agent/v1/Snapshot.ts';
import type { SplitRecord as _sluice_agent_v1_SplitRecord, SplitRecord__Output as _sluice_agent_v1_SplitRecord__Output } from './sluice/agent/v1/SplitRecord.ts';
import type { Trust as _sluice_agent_v1_Trust, Trust__Output as _sluice_agent_v1_Trust__Output } from './sluice/agent/v1/Trust.ts';
import type { Watch as _sluice_agent_v1_Watch, Watch__Output as _sluice_agent_v1_Watch__Output } from './sluice/agent/v1/Watch.ts';
import type { WatchSet as _sluice_agent_v1_WatchSet, WatchSet__Output as _sluice_agent_v1_WatchSet__Output } from './sluice/agent/v1/WatchSet.ts';
import type { WeightRecord as _sluice_agent_v1_WeightRecord, WeightRecord__Output as _sluice_agent_v1_WeightRecord__Output } from './sluice/agent/v1/WeightRecord.ts';
import type { Welcome as _sluice_agent_v1_Welcome, Welcome__Output as _sluice_agent_v1_Welcome__Output } from './sluice/agent/v1/Welcome.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  sluice: {
    agent: {
      v1: {
        AccessRule: MessageTypeDefinition<_sluice_agent_v1_AccessRule, _sluice_agent_v1_AccessRule__Output>
        AgentHub: SubtypeConstructor<typeof grpc.Client, _sluice_agent_v1_AgentHubClient> & { service: _sluice_agent_v1_AgentHubDefinition }
        AgentMessage: MessageTypeDefinition<_sluice_agent_v1_AgentMessage, _sluice_agent_v1_AgentMessage__Output>
        Apply: MessageTypeDefinition<_sluice_agent_v1_Apply, _sluice_agent_v1_Apply__Output>
        CancelOperation: MessageTypeDefinition<_sluice_agent_v1_CancelOperation, _sluice_agent_v1_CancelOperation__Output>
        CheckReply: MessageTypeDefinition<_sluice_agent_v1_CheckReply, _sluice_agent_v1_CheckReply__Output>
        Chunk: MessageTypeDefinition<_sluice_agent_v1_Chunk, _sluice_agent_v1_Chunk__Output>
        Delete: MessageTypeDefinition<_sluice_agent_v1_Delete, _sluice_agent_v1_Delete__Output>
        DeploymentRecord: MessageTypeDefinition<_sluice_agent_v1_DeploymentRecord, _sluice_agent_v1_DeploymentRecord__Output>
        Discover: MessageTypeDefinition<_sluice_agent_v1_Discover, _sluice_agent_v1_Discover__Output>
        Draining: MessageTypeDefinition<_sluice_agent_v1_Draining, _sluice_agent_v1_Draining__Output>
        EndpointsRecord: MessageTypeDefinition<_sluice_agent_v1_EndpointsRecord, _sluice_agent_v1_EndpointsRecord__Output>
        EnrolRequest: MessageTypeDefinition<_sluice_agent_v1_EnrolRequest, _sluice_agent_v1_EnrolRequest__Output>
        Get: MessageTypeDefinition<_sluice_agent_v1_Get, _sluice_agent_v1_Get__Output>
        GoAway: MessageTypeDefinition<_sluice_agent_v1_GoAway, _sluice_agent_v1_GoAway__Output>
        Guard: MessageTypeDefinition<_sluice_agent_v1_Guard, _sluice_agent_v1_Guard__Output>
        GuardState: EnumTypeDefinition
        GuardWrite: MessageTypeDefinition<_sluice_agent_v1_GuardWrite, _sluice_agent_v1_GuardWrite__Output>
        Heartbeat: MessageTypeDefinition<_sluice_agent_v1_Heartbeat, _sluice_agent_v1_Heartbeat__Output>
        Hello: MessageTypeDefinition<_sluice_agent_v1_Hello, _sluice_agent_v1_Hello__Output>
        Holds: MessageTypeDefinition<_sluice_agent_v1_Holds, _sluice_agent_v1_Holds__Output>
        Http: MessageTypeDefinition<_sluice_agent_v1_Http, _sluice_agent_v1_Http__Output>
        HubMessage: MessageTypeDefinition<_sluice_agent_v1_HubMessage, _sluice_agent_v1_HubMessage__Output>
        IssuedCredential: MessageTypeDefinition<_sluice_agent_v1_IssuedCredential, _sluice_agent_v1_IssuedCredential__Output>
        JobRecord: MessageTypeDefinition<_sluice_agent_v1_JobRecord, _sluice_agent_v1_JobRecord__Output>
        JobState: EnumTypeDefinition
        List: MessageTypeDefinition<_sluice_agent_v1_List, _sluice_agent_v1_List__Output>
        Logs: MessageTypeDefinition<_sluice_agent_v1_Logs, _sluice_agent_v1_Logs__Output>
        LostContact: EnumTypeDefinition
        MissingRights: MessageTypeDefinition<_sluice_agent_v1_MissingRights, _sluice_agent_v1_MissingRights__Output>
        ObjectRef: MessageTypeDefinition<_sluice_agent_v1_ObjectRef, _sluice_agent_v1_ObjectRef__Output>
        OpenOperation: MessageTypeDefinition<_sluice_agent_v1_OpenOperation, _sluice_agent_v1_OpenOperation__Output>
        Operation: MessageTypeDefinition<_sluice_agent_v1_Operation, _sluice_agent_v1_Operation__Output>
        OperationState: EnumTypeDefinition
        OperationStatus: MessageTypeDefinition<_sluice_agent_v1_OperationStatus, _sluice_agent_v1_OperationStatus__Output>
        Patch: MessageTypeDefinition<_sluice_agent_v1_Patch, _sluice_agent_v1_Patch__Output>
        PatchType: EnumTypeDefinition
        PodRecord: MessageTypeDefinition<_sluice_agent_v1_PodRecord, _sluice_agent_v1_PodRecord__Output>
        Problem: MessageTypeDefinition<_sluice_agent_v1_Problem, _sluice_agent_v1_Problem__Output>
        ProfileRecord: MessageTypeDefinition<_sluice_agent_v1_ProfileRecord, _sluice_agent_v1_ProfileRecord__Output>
        Propagation: EnumTypeDefinition
        Received: MessageTypeDefinition<_sluice_agent_v1_Received, _sluice_agent_v1_Received__Output>
        Refused: MessageTypeDefinition<_sluice_agent_v1_Refused, _sluice_agent_v1_Refused__Output>
        RenewRequest: MessageTypeDefinition<_sluice_agent_v1_RenewRequest, _sluice_agent_v1_RenewRequest__Output>
        ReplicaSetRecord: MessageTypeDefinition<_sluice_agent_v1_ReplicaSetRecord, _sluice_agent_v1_ReplicaSetRecord__Output>
        ResultStored: MessageTypeDefinition<_sluice_agent_v1_ResultStored, _sluice_agent_v1_ResultStored__Output>
        ReviewAccess: MessageTypeDefinition<_sluice_agent_v1_ReviewAccess, _sluice_agent_v1_ReviewAccess__Output>
        RouteRecord: MessageTypeDefinition<_sluice_agent_v1_RouteRecord, _sluice_agent_v1_RouteRecord__Output>
        Scale: MessageTypeDefinition<_sluice_agent_v1_Scale, _sluice_agent_v1_Scale__Output>
        Scrape: MessageTypeDefinition<_sluice_agent_v1_Scrape, _sluice_agent_v1_Scrape__Output>
        Snapshot: MessageTypeDefinition<_sluice_agent_v1_Snapshot, _sluice_agent_v1_Snapshot__Output>
        SplitRecord: MessageTypeDefinition<_sluice_agent_v1_SplitRecord, _sluice_agent_v1_SplitRecord__Output>
        Trust: MessageTypeDefinition<_sluice_agent_v1_Trust, _sluice_agent_v1_Trust__Output>
        Watch: MessageTypeDefinition<_sluice_agent_v1_Watch, _sluice_agent_v1_Watch__Output>
        WatchSet: MessageTypeDefinition<_sluice_agent_v1_WatchSet, _sluice_agent_v1_WatchSet__Output>
        WeightRecord: MessageTypeDefinition<_sluice_agent_v1_WeightRecord, _sluice_agent_v1_WeightRecord__Output>
        Welcome: MessageTypeDefinition<_sluice_agent_v1_Welcome, _sluice_agent_v1_Welcome__Output>
      }
    }
  }
}

