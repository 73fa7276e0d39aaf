// Original file: proto/sluice/agent/v1/agent.proto

import type { Hello as _sluice_agent_v1_Hello, Hello__Output as _sluice_agent_v1_Hello__Output } from '../../../sluice/agent/v1/Hello.ts';
import type { Received as _sluice_agent_v1_Received, Received__Output as _sluice_agent_v1_Received__Output } from '../../../sluice/agent/v1/Received.ts';
import type { OperationStatus as _sluice_agent_v1_OperationStatus, OperationStatus__Output as _sluice_agent_v1_OperationStatus__Output } from '../../../sluice/agent/v1/OperationStatus.ts';
import type { Snapshot as _sluice_agent_v1_Snapshot, Snapshot__Output as _sluice_agent_v1_Snapshot__Output } from '../../../sluice/agent/v1/Snapshot.ts';
import type { Heartbeat as _sluice_agent_v1_Heartbeat, Heartbeat__Output as _sluice_agent_v1_Heartbeat__Output } from '../../../sluice/agent/v1/Heartbeat.ts';
import type { Draining as _sluice_agent_v1_Draining, Draining__Output as _sluice_agent_v1_Draining__Output } from '../../../sluice/agent/v1/Draining.ts';
import type { Chunk as _sluice_agent_v1_Chunk, Chunk__Output as _sluice_agent_v1_Chunk__Output } from '../../../sluice/agent/v1/Chunk.ts';
import type { Holds as _sluice_agent_v1_Holds, Holds__Output as _sluice_agent_v1_Holds__Output } from '../../../sluice/agent/v1/Holds.ts';

/**
 * Agent -> hub.
 */
export interface AgentMessage {
  'hello'?: (_sluice_agent_v1_Hello | null);
  'received'?: (_sluice_agent_v1_Received | null);
  'status'?: (_sluice_agent_v1_OperationStatus | null);
  'snapshot'?: (_sluice_agent_v1_Snapshot | null);
  'heartbeat'?: (_sluice_agent_v1_Heartbeat | null);
  'draining'?: (_sluice_agent_v1_Draining | null);
  'chunk'?: (_sluice_agent_v1_Chunk | null);
  'holds'?: (_sluice_agent_v1_Holds | null);
  'body'?: "hello"|"received"|"status"|"snapshot"|"heartbeat"|"draining"|"chunk"|"holds";
}

/**
 * Agent -> hub.
 */
export interface AgentMessage__Output {
  'hello'?: (_sluice_agent_v1_Hello__Output | null);
  'received'?: (_sluice_agent_v1_Received__Output | null);
  'status'?: (_sluice_agent_v1_OperationStatus__Output | null);
  'snapshot'?: (_sluice_agent_v1_Snapshot__Output | null);
  'heartbeat'?: (_sluice_agent_v1_Heartbeat__Output | null);
  'draining'?: (_sluice_agent_v1_Draining__Output | null);
  'chunk'?: (_sluice_agent_v1_Chunk__Output | null);
  'holds'?: (_sluice_agent_v1_Holds__Output | null);
  'body'?: "hello"|"received"|"status"|"snapshot"|"heartbeat"|"draining"|"chunk"|"holds";
}
