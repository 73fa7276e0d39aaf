// Original file: proto/sluice/agent/v1/agent.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AgentMessage as _sluice_agent_v1_AgentMessage, AgentMessage__Output as _sluice_agent_v1_AgentMessage__Output } from '../../../sluice/agent/v1/AgentMessage.ts';
import type { HubMessage as _sluice_agent_v1_HubMessage, HubMessage__Output as _sluice_agent_v1_HubMessage__Output } from '../../../sluice/agent/v1/HubMessage.ts';

export interface AgentHubClient extends grpc.Client {
  /**
   * One session of one agent. Who the agent is follows from its credential (client certificate, or the bearer token in the
   * call's metadata), never from a message. One live session per account: a newer one ends the older with GoAway.
   */
  Connect(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_agent_v1_AgentMessage, _sluice_agent_v1_HubMessage__Output>;
  Connect(options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_agent_v1_AgentMessage, _sluice_agent_v1_HubMessage__Output>;
  /**
   * One session of one agent. Who the agent is follows from its credential (client certificate, or the bearer token in the
   * call's metadata), never from a message. One live session per account: a newer one ends the older with GoAway.
   */
  connect(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_agent_v1_AgentMessage, _sluice_agent_v1_HubMessage__Output>;
  connect(options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_agent_v1_AgentMessage, _sluice_agent_v1_HubMessage__Output>;
  
}

export interface AgentHubHandlers extends grpc.UntypedServiceImplementation {
  /**
   * One session of one agent. Who the agent is follows from its credential (client certificate, or the bearer token in the
   * call's metadata), never from a message. One live session per account: a newer one ends the older with GoAway.
   */
  Connect: grpc.handleBidiStreamingCall<_sluice_agent_v1_AgentMessage__Output, _sluice_agent_v1_HubMessage>;
  
}

export interface AgentHubDefinition extends grpc.ServiceDefinition {
  Connect: MethodDefinition<_sluice_agent_v1_AgentMessage, _sluice_agent_v1_HubMessage, _sluice_agent_v1_AgentMessage__Output, _sluice_agent_v1_HubMessage__Output>
}
