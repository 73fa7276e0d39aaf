// Original file: proto/sluice/agent/v1/agent.proto

import type { Watch as _sluice_agent_v1_Watch, Watch__Output as _sluice_agent_v1_Watch__Output } from '../../../sluice/agent/v1/Watch.ts';

/**
 * Hub, after Welcome and at each change: all watches there are. What is not named is no longer watched.
 */
export interface WatchSet {
  'watches'?: (_sluice_agent_v1_Watch)[];
}

/**
 * Hub, after Welcome and at each change: all watches there are. What is not named is no longer watched.
 */
export interface WatchSet__Output {
  'watches': (_sluice_agent_v1_Watch__Output)[];
}
