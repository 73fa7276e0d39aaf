// Original file: proto/sluice/agent/v1/agent.proto

import type { ObjectRef as _sluice_agent_v1_ObjectRef, ObjectRef__Output as _sluice_agent_v1_ObjectRef__Output } from '../../../sluice/agent/v1/ObjectRef.ts';
import type { GuardWrite as _sluice_agent_v1_GuardWrite, GuardWrite__Output as _sluice_agent_v1_GuardWrite__Output } from '../../../sluice/agent/v1/GuardWrite.ts';
import type { LostContact as _sluice_agent_v1_LostContact, LostContact__Output as _sluice_agent_v1_LostContact__Output } from '../../../sluice/agent/v1/LostContact.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * What the agent does by itself when the canary breaks or the orchestrator is lost. It stores this on `holder`, so that it
 * holds for the agent's successor as well, and watches from then on, until it has fired or is disarmed.
 */
export interface Guard {
  /**
   * The object that carries the guard: the split.
   */
  'holder'?: (_sluice_agent_v1_ObjectRef | null);
  /**
   * All traffic to the stable: one merge patch for each object that holds weights, written at once when it fires.
   */
  'writes'?: (_sluice_agent_v1_GuardWrite)[];
  'rootService'?: (string);
  'stableService'?: (string);
  'canaryService'?: (string);
  /**
   * The canary's pods (label pod-template-hash).
   */
  'canaryHash'?: (string);
  /**
   * Fires below this number of ready canary endpoints.
   */
  'minReady'?: (number);
  /**
   * Fires, or holds, after so long without a word of the orchestrator. 0: never.
   */
  'lostContactAfterMs'?: (number | string | Long);
  'lostContact'?: (_sluice_agent_v1_LostContact);
  'rollout'?: (string);
  /**
   * Takes the guard off the holder instead.
   */
  'disarm'?: (boolean);
}

/**
 * What the agent does by itself when the canary breaks or the orchestrator is lost. It stores this on `holder`, so that it
 * holds for the agent's successor as well, and watches from then on, until it has fired or is disarmed.
 */
export interface Guard__Output {
  /**
   * The object that carries the guard: the split.
   */
  'holder': (_sluice_agent_v1_ObjectRef__Output | null);
  /**
   * All traffic to the stable: one merge patch for each object that holds weights, written at once when it fires.
   */
  'writes': (_sluice_agent_v1_GuardWrite__Output)[];
  'rootService': (string);
  'stableService': (string);
  'canaryService': (string);
  /**
   * The canary's pods (label pod-template-hash).
   */
  'canaryHash': (string);
  /**
   * Fires below this number of ready canary endpoints.
   */
  'minReady': (number);
  /**
   * Fires, or holds, after so long without a word of the orchestrator. 0: never.
   */
  'lostContactAfterMs': (number);
  'lostContact': (_sluice_agent_v1_LostContact__Output);
  'rollout': (string);
  /**
   * Takes the guard off the holder instead.
   */
  'disarm': (boolean);
}
