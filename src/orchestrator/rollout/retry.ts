/** What to make of an answer that is not a success. Pure. */

/** As the agent tells them: the API server's status in the words of the protocol. */
export type FailureCode =
  'NOT_FOUND' | 'ALREADY_EXISTS' | 'PRECONDITION' | 'CONFLICT' | 'FORBIDDEN' | 'INVALID' | 'UNAVAILABLE' | 'QUOTA';

export interface Failure {
  code: FailureCode;
  message: string;
}

export interface Failures {
  /** Of one object, since its last success. */
  count: number;
  firstMs: number;
}

export type Reaction =
  /** Look again: the next record says what is. */
  { kind: 'again'; afterMs: number } | { kind: 'final'; reason: string };

const MINUTE_MS = 60_000;
const LOOK_AGAIN_MS = 200;
const MAX_WAIT_MS = 10_000;

/** @param failures with this one. */
export function reactionTo({ code, message }: Failure, failures: Failures, nowMs: number): Reaction {
  const again: Reaction = { kind: 'again', afterMs: Math.min(LOOK_AGAIN_MS * 2 ** (failures.count - 1), MAX_WAIT_MS) };
  const lastedMs = nowMs - failures.firstMs;
  switch (code) {
    case 'NOT_FOUND':
    case 'ALREADY_EXISTS':
    case 'PRECONDITION':
    case 'CONFLICT':
      return again;
    case 'INVALID':
      return { kind: 'final', reason: message };
    case 'FORBIDDEN':
      return failures.count >= 3 ? { kind: 'final', reason: message } : { kind: 'again', afterMs: MINUTE_MS / 3 };
    case 'QUOTA':
    case 'UNAVAILABLE':
      return lastedMs >= 10 * MINUTE_MS ? { kind: 'final', reason: message } : again;
  }
}

/** Per object and foreign manager, between put-backs: the first at once, then after 1 s and 10 s; a fourth within a minute is too many. */
export function putBackDelay(earlierMs: readonly number[], nowMs: number): number | 'tooMany' {
  const recent = earlierMs.filter((at) => nowMs - at < MINUTE_MS);
  return ([0, 1_000, 10_000] as const)[recent.length] ?? 'tooMany';
}
