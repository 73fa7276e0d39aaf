/** Whether a join token may be used. Pure. */

import type { JoinTokenRow } from '../store/join-tokens.ts';

export const JOIN_TOKEN_HOURS = 24;
/** The agent that used it may have lost the answer, and asks again with its key. */
const AGAIN_MS = 24 * 60 * 60 * 1000;

export interface JoinRefusal {
  /** `reused`: another agent used it before, so two have it. */
  kind: 'unknown' | 'reused' | 'expired';
  message: string;
}

/**
 * @param key SHA-256 of the public key that it is to be used with.
 * @returns why not; undefined: it may be used.
 */
export function judgeJoin(row: JoinTokenRow | undefined, key: string, nowMs: number): JoinRefusal | undefined {
  if (!row) {
    const message =
      'The join token is not known: a newer one was made for its account, or the account was revoked. Make one with: sluice agents add NAME';
    return { kind: 'unknown', message };
  }
  const { account, expiresAt, usedAt, usedKey, usedBy } = row;
  const anew = `Make a new one with: sluice agents add ${account}`;
  if (usedAt !== null && usedKey !== key) {
    const message = `The join token of ${account} was used at ${usedAt.toISOString()} by another agent (${usedBy}): it counts once. ${anew}`;
    return { kind: 'reused', message };
  }
  const endsMs = Math.max(expiresAt.getTime(), usedAt === null ? 0 : usedAt.getTime() + AGAIN_MS);
  if (nowMs < endsMs) return undefined;
  const message = `The join token of ${account} expired at ${new Date(endsMs).toISOString()}: it counts for ${JOIN_TOKEN_HOURS} h. ${anew}`;
  return { kind: 'expired', message };
}
