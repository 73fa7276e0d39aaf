// Original file: proto/sluice/agent/v1/agent.proto

export const PatchType = {
  PATCH_TYPE_UNSPECIFIED: 'PATCH_TYPE_UNSPECIFIED',
  MERGE: 'MERGE',
  STRATEGIC: 'STRATEGIC',
  JSON: 'JSON',
} as const;

export type PatchType =
  | 'PATCH_TYPE_UNSPECIFIED'
  | 0
  | 'MERGE'
  | 1
  | 'STRATEGIC'
  | 2
  | 'JSON'
  | 3

export type PatchType__Output = typeof PatchType[keyof typeof PatchType]
