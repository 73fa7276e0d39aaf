/** Why a session ended, as one of few words: a label must not grow with what peers say. Pure. */

import type { SessionEnd } from '../stream/session-end.ts';

/**
 * `goAway`: the orchestrator asked us to come back. `version` to `limit`: it refused us. `credential`: ours cannot be read;
 * `unauthenticated`: it does not count. `unavailable`: nobody answers there. `other`: whatever has no word yet.
 */
export const SESSION_END_REASONS = [
  'goAway',
  'version',
  'fenced',
  'retry',
  'limit',
  'unauthenticated',
  'credential',
  'unavailable',
  'proxy',
  'closed',
  'silent',
  'stalled',
  'noWelcome',
  'staleEpoch',
  'protocol',
  'other',
] as const;

type SessionEndReason = (typeof SESSION_END_REASONS)[number];

const OF_CODE: ReadonlyMap<string, SessionEndReason> = new Map(
  Object.entries({
    VERSION: 'version',
    FENCED: 'fenced',
    RETRY: 'retry',
    LIMIT: 'limit',
    UNAUTHENTICATED: 'unauthenticated',
    PERMISSION_DENIED: 'unauthenticated',
    CREDENTIAL: 'credential',
    UNAVAILABLE: 'unavailable',
    PROXY: 'proxy',
    CLOSED: 'closed',
    SILENT: 'silent',
    STALLED: 'stalled',
    NO_WELCOME: 'noWelcome',
    STALE_EPOCH: 'staleEpoch',
    PROTOCOL: 'protocol',
  } as const),
);

export function sessionEndReason(end: SessionEnd): SessionEndReason {
  switch (end.kind) {
    case 'goAway':
      return 'goAway';
    case 'stopped':
      return 'other';
    case 'refused':
    case 'lost':
      return OF_CODE.get(end.code) ?? 'other';
  }
}
