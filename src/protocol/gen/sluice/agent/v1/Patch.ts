// Original file: proto/sluice/agent/v1/agent.proto

import type { ObjectRef as _sluice_agent_v1_ObjectRef, ObjectRef__Output as _sluice_agent_v1_ObjectRef__Output } from '../../../sluice/agent/v1/ObjectRef.ts';
import type { PatchType as _sluice_agent_v1_PatchType, PatchType__Output as _sluice_agent_v1_PatchType__Output } from '../../../sluice/agent/v1/PatchType.ts';

export interface Patch {
  'object'?: (_sluice_agent_v1_ObjectRef | null);
  'type'?: (_sluice_agent_v1_PatchType);
  /**
   * JSON
   */
  'body'?: (Buffer | Uint8Array | string);
  /**
   * Empty: no precondition.
   */
  'resourceVersion'?: (string);
  /**
   * Sluice lets go of the object: the write takes the generation's mark off instead of putting it on.
   */
  'forget'?: (boolean);
}

export interface Patch__Output {
  'object': (_sluice_agent_v1_ObjectRef__Output | null);
  'type': (_sluice_agent_v1_PatchType__Output);
  /**
   * JSON
   */
  'body': (Buffer);
  /**
   * Empty: no precondition.
   */
  'resourceVersion': (string);
  /**
   * Sluice lets go of the object: the write takes the generation's mark off instead of putting it on.
   */
  'forget': (boolean);
}
