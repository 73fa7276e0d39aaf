// Original file: proto/sluice/agent/v1/agent.proto

import type { ObjectRef as _sluice_agent_v1_ObjectRef, ObjectRef__Output as _sluice_agent_v1_ObjectRef__Output } from '../../../sluice/agent/v1/ObjectRef.ts';

export interface GuardWrite {
  'object'?: (_sluice_agent_v1_ObjectRef | null);
  /**
   * JSON
   */
  'body'?: (Buffer | Uint8Array | string);
}

export interface GuardWrite__Output {
  'object': (_sluice_agent_v1_ObjectRef__Output | null);
  /**
   * JSON
   */
  'body': (Buffer);
}
