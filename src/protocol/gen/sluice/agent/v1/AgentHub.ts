// Original file: proto/sluice/agent/v1/agent.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AgentMessage as _sluice_agent_v1_AgentMessage, AgentMessage__Output as _sluice_agent_v1_AgentMessage__Output } from '../../../sluice/agent/v1/AgentMessage.ts';
import type { CheckReply as _sluice_agent_v1_CheckReply, CheckReply__Output as _sluice_agent_v1_CheckReply__Output } from '../../../sluice/agent/v1/CheckReply.ts';
import type { EnrolRequest as _sluice_agent_v1_EnrolRequest, EnrolRequest__Output as _sluice_agent_v1_EnrolRequest__Output } from '../../../sluice/agent/v1/EnrolRequest.ts';
import type { Hello as _sluice_agent_v1_Hello, Hello__Output as _sluice_agent_v1_Hello__Output } from '../../../sluice/agent/v1/Hello.ts';
import type { HubMessage as _sluice_agent_v1_HubMessage, HubMessage__Output as _sluice_agent_v1_HubMessage__Output } from '../../../sluice/agent/v1/HubMessage.ts';
import type { IssuedCredential as _sluice_agent_v1_IssuedCredential, IssuedCredential__Output as _sluice_agent_v1_IssuedCredential__Output } from '../../../sluice/agent/v1/IssuedCredential.ts';
import type { RenewRequest as _sluice_agent_v1_RenewRequest, RenewRequest__Output as _sluice_agent_v1_RenewRequest__Output } from '../../../sluice/agent/v1/RenewRequest.ts';

export interface AgentHubClient extends grpc.Client {
  /**
   * Would it be let in, with this credential and this Hello? Begins no session and ends none: for `sluice agent doctor`, beside a
   * running agent. Refused with UNAUTHENTICATED, FAILED_PRECONDITION (the versions) or RESOURCE_EXHAUSTED (too often).
   */
  Check(argument: _sluice_agent_v1_Hello, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_agent_v1_CheckReply__Output>): grpc.ClientUnaryCall;
  Check(argument: _sluice_agent_v1_Hello, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_agent_v1_CheckReply__Output>): grpc.ClientUnaryCall;
  Check(argument: _sluice_agent_v1_Hello, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_agent_v1_CheckReply__Output>): grpc.ClientUnaryCall;
  Check(argument: _sluice_agent_v1_Hello, callback: grpc.requestCallback<_sluice_agent_v1_CheckReply__Output>): grpc.ClientUnaryCall;
  /**
   * Would it be let in, with this credential and this Hello? Begins no session and ends none: for `sluice agent doctor`, beside a
   * running agent. Refused with UNAUTHENTICATED, FAILED_PRECONDITION (the versions) or RESOURCE_EXHAUSTED (too often).
   */
  check(argument: _sluice_agent_v1_Hello, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_agent_v1_CheckReply__Output>): grpc.ClientUnaryCall;
  check(argument: _sluice_agent_v1_Hello, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_agent_v1_CheckReply__Output>): grpc.ClientUnaryCall;
  check(argument: _sluice_agent_v1_Hello, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_agent_v1_CheckReply__Output>): grpc.ClientUnaryCall;
  check(argument: _sluice_agent_v1_Hello, callback: grpc.requestCallback<_sluice_agent_v1_CheckReply__Output>): grpc.ClientUnaryCall;
  
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
  
  /**
   * A join token, used once, for a credential. The caller has none yet.
   */
  Enrol(argument: _sluice_agent_v1_EnrolRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  Enrol(argument: _sluice_agent_v1_EnrolRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  Enrol(argument: _sluice_agent_v1_EnrolRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  Enrol(argument: _sluice_agent_v1_EnrolRequest, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  /**
   * A join token, used once, for a credential. The caller has none yet.
   */
  enrol(argument: _sluice_agent_v1_EnrolRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  enrol(argument: _sluice_agent_v1_EnrolRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  enrol(argument: _sluice_agent_v1_EnrolRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  enrol(argument: _sluice_agent_v1_EnrolRequest, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  
  /**
   * A credential for its successor, before it ends. The caller presents the one it has.
   */
  Renew(argument: _sluice_agent_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  Renew(argument: _sluice_agent_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  Renew(argument: _sluice_agent_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  Renew(argument: _sluice_agent_v1_RenewRequest, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  /**
   * A credential for its successor, before it ends. The caller presents the one it has.
   */
  renew(argument: _sluice_agent_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  renew(argument: _sluice_agent_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  renew(argument: _sluice_agent_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  renew(argument: _sluice_agent_v1_RenewRequest, callback: grpc.requestCallback<_sluice_agent_v1_IssuedCredential__Output>): grpc.ClientUnaryCall;
  
}

export interface AgentHubHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Would it be let in, with this credential and this Hello? Begins no session and ends none: for `sluice agent doctor`, beside a
   * running agent. Refused with UNAUTHENTICATED, FAILED_PRECONDITION (the versions) or RESOURCE_EXHAUSTED (too often).
   */
  Check: grpc.handleUnaryCall<_sluice_agent_v1_Hello__Output, _sluice_agent_v1_CheckReply>;
  
  /**
   * One session of one agent. Who the agent is follows from its credential (client certificate, or the bearer token in the
   * call's metadata), never from a message. One live session per account: a newer one ends the older with GoAway.
   */
  Connect: grpc.handleBidiStreamingCall<_sluice_agent_v1_AgentMessage__Output, _sluice_agent_v1_HubMessage>;
  
  /**
   * A join token, used once, for a credential. The caller has none yet.
   */
  Enrol: grpc.handleUnaryCall<_sluice_agent_v1_EnrolRequest__Output, _sluice_agent_v1_IssuedCredential>;
  
  /**
   * A credential for its successor, before it ends. The caller presents the one it has.
   */
  Renew: grpc.handleUnaryCall<_sluice_agent_v1_RenewRequest__Output, _sluice_agent_v1_IssuedCredential>;
  
}

export interface AgentHubDefinition extends grpc.ServiceDefinition {
  Check: MethodDefinition<_sluice_agent_v1_Hello, _sluice_agent_v1_CheckReply, _sluice_agent_v1_Hello__Output, _sluice_agent_v1_CheckReply__Output>
  Connect: MethodDefinition<_sluice_agent_v1_AgentMessage, _sluice_agent_v1_HubMessage, _sluice_agent_v1_AgentMessage__Output, _sluice_agent_v1_HubMessage__Output>
  Enrol: MethodDefinition<_sluice_agent_v1_EnrolRequest, _sluice_agent_v1_IssuedCredential, _sluice_agent_v1_EnrolRequest__Output, _sluice_agent_v1_IssuedCredential__Output>
  Renew: MethodDefinition<_sluice_agent_v1_RenewRequest, _sluice_agent_v1_IssuedCredential, _sluice_agent_v1_RenewRequest__Output, _sluice_agent_v1_IssuedCredential__Output>
}
