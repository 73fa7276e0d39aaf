// Original file: proto/sluice/agent/v1/agent.proto

export const Propagation = {
  PROPAGATION_UNSPECIFIED: 'PROPAGATION_UNSPECIFIED',
  BACKGROUND: 'BACKGROUND',
  FOREGROUND: 'FOREGROUND',
  ORPHAN: 'ORPHAN',
} as const;

export type Propagation =
  | 'PROPAGATION_UNSPECIFIED'
  | 0
  | 'BACKGROUND'
  | 1
  | 'FOREGROUND'
  | 2
  | 'ORPHAN'
  | 3

export type Propagation__Output = typeof Propagation[keyof typeof Propagation]
