// Original file: proto/sluice/agent/v1/agent.proto

import type { Welcome as _sluice_agent_v1_Welcome, Welcome__Output as _sluice_agent_v1_Welcome__Output } from '../../../sluice/agent/v1/Welcome.ts';
import type { Operation as _sluice_agent_v1_Operation, Operation__Output as _sluice_agent_v1_Operation__Output } from '../../../sluice/agent/v1/Operation.ts';
import type { CancelOperation as _sluice_agent_v1_CancelOperation, CancelOperation__Output as _sluice_agent_v1_CancelOperation__Output } from '../../../sluice/agent/v1/CancelOperation.ts';
import type { WatchSet as _sluice_agent_v1_WatchSet, WatchSet__Output as _sluice_agent_v1_WatchSet__Output } from '../../../sluice/agent/v1/WatchSet.ts';
import type { ResultStored as _sluice_agent_v1_ResultStored, ResultStored__Output as _sluice_agent_v1_ResultStored__Output } from '../../../sluice/agent/v1/ResultStored.ts';
import type { Heartbeat as _sluice_agent_v1_Heartbeat, Heartbeat__Output as _sluice_agent_v1_Heartbeat__Output } from '../../../sluice/agent/v1/Heartbeat.ts';
import type { GoAway as _sluice_agent_v1_GoAway, GoAway__Output as _sluice_agent_v1_GoAway__Output } from '../../../sluice/agent/v1/GoAway.ts';
import type { Refused as _sluice_agent_v1_Refused, Refused__Output as _sluice_agent_v1_Refused__Output } from '../../../sluice/agent/v1/Refused.ts';
import type { Chunk as _sluice_agent_v1_Chunk, Chunk__Output as _sluice_agent_v1_Chunk__Output } from '../../../sluice/agent/v1/Chunk.ts';
import type { Trust as _sluice_agent_v1_Trust, Trust__Output as _sluice_agent_v1_Trust__Output } from '../../../sluice/agent/v1/Trust.ts';

/**
 * Hub -> agent.
 */
export interface HubMessage {
  'welcome'?: (_sluice_agent_v1_Welcome | null);
  'operation'?: (_sluice_agent_v1_Operation | null);
  'cancel'?: (_sluice_agent_v1_CancelOperation | null);
  'watchSet'?: (_sluice_agent_v1_WatchSet | null);
  'resultStored'?: (_sluice_agent_v1_ResultStored | null);
  'heartbeat'?: (_sluice_agent_v1_Heartbeat | null);
  'goAway'?: (_sluice_agent_v1_GoAway | null);
  'refused'?: (_sluice_agent_v1_Refused | null);
  'chunk'?: (_sluice_agent_v1_Chunk | null);
  'trust'?: (_sluice_agent_v1_Trust | null);
  'body'?: "welcome"|"operation"|"cancel"|"watchSet"|"resultStored"|"heartbeat"|"goAway"|"refused"|"chunk"|"trust";
}

/**
 * Hub -> agent.
 */
export interface HubMessage__Output {
  'welcome'?: (_sluice_agent_v1_Welcome__Output | null);
  'operation'?: (_sluice_agent_v1_Operation__Output | null);
  'cancel'?: (_sluice_agent_v1_CancelOperation__Output | null);
  'watchSet'?: (_sluice_agent_v1_WatchSet__Output | null);
  'resultStored'?: (_sluice_agent_v1_ResultStored__Output | null);
  'heartbeat'?: (_sluice_agent_v1_Heartbeat__Output | null);
  'goAway'?: (_sluice_agent_v1_GoAway__Output | null);
  'refused'?: (_sluice_agent_v1_Refused__Output | null);
  'chunk'?: (_sluice_agent_v1_Chunk__Output | null);
  'trust'?: (_sluice_agent_v1_Trust__Output | null);
  'body'?: "welcome"|"operation"|"cancel"|"watchSet"|"resultStored"|"heartbeat"|"goAway"|"refused"|"chunk"|"trust";
}
