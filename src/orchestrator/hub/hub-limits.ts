/** What the hub grants its agents, in one place: how many come, how often, how much each says, how long a connection lasts. */

import type { BucketRule } from '../../shared/token-bucket.ts';

export interface HubLimits {
  /** Streams begun by all agents together, before anything else is looked at. */
  handshakes: BucketRule;
  /** Of these, with one certificate: an agent that only knocks keeps no other one out. */
  handshakesOfOne: BucketRule;
  /** Join tokens that are tried, by all agents together. */
  enrolments: BucketRule;
  /** The longest wait for a turn that is told to one of too many. More agents than have a turn until then share its second half. */
  longestTurnMs: number;
  /** Sessions begun with one credential. */
  sessions: BucketRule;
  /** Messages of one session, of every kind. */
  messages: BucketRule;
  /** What each operation that is sent adds to that: received, accepted, running, ended, and as many again. */
  messagesPerOperation: number;
  /** How long an agent that said too much stays away. */
  messagesPenaltyMs: number;
  /** A connection is made anew after this long, so that load balancers spread the agents and credentials are looked at again. */
  sessionAgeMs: number;
  /** Part of the age by which each differs, either way: or all agents would come back at once. */
  sessionAgeSpread: number;
  /** How long after that a moment without operations is waited for; then nothing more is sent. */
  rotationPatienceMs: number;
  /** How long operations in flight may still end after that. */
  rotationDrainMs: number;
  /** Refusals of one credential within `refusalsWithinMs` of which a person is told. */
  refusals: number;
  refusalsWithinMs: number;
  /** Two agents that take one account from each other: A, B, A within this. */
  alternationMs: number;
  /** The same alert is written at most this often. */
  alertEveryMs: number;
}

const MINUTE_MS = 60_000;

/** 10,000 agents that come back over a minute of jitter are 170 handshakes a second, each 1.5 ms of processor (measured). */
export const HUB_LIMITS: HubLimits = {
  handshakes: { perSecond: 200, burst: 400 },
  handshakesOfOne: { perSecond: 1, burst: 60 },
  enrolments: { perSecond: 5, burst: 100 },
  longestTurnMs: MINUTE_MS,
  sessions: { perSecond: 20 / 60, burst: 20 },
  messages: { perSecond: 500, burst: 2_000 },
  messagesPerOperation: 8,
  messagesPenaltyMs: 30_000,
  sessionAgeMs: 45 * MINUTE_MS,
  sessionAgeSpread: 0.2,
  rotationPatienceMs: 5 * MINUTE_MS,
  rotationDrainMs: 30_000,
  refusals: 5,
  refusalsWithinMs: MINUTE_MS,
  alternationMs: 10 * MINUTE_MS,
  alertEveryMs: MINUTE_MS,
};
