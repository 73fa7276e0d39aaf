// Original file: proto/sluice/agent/v1/agent.proto

export const LostContact = {
  LOST_CONTACT_UNSPECIFIED: 'LOST_CONTACT_UNSPECIFIED',
  ROLL_BACK: 'ROLL_BACK',
  HOLD: 'HOLD',
} as const;

export type LostContact =
  | 'LOST_CONTACT_UNSPECIFIED'
  | 0
  | 'ROLL_BACK'
  | 1
  | 'HOLD'
  | 2

export type LostContact__Output = typeof LostContact[keyof typeof LostContact]
