/** Why a session ended. */

/**
 * `stopped`: we closed it. `goAway`: the hub asked us to come back later. `refused`: it did not take us.
 * `lost`: everything else; `code` is a gRPC status or one of CLOSED, SILENT, STALLED, NO_WELCOME,
 * STALE_EPOCH, PROTOCOL, CREDENTIAL.
 */
export type SessionEnd = {
  /** How long the session ran after Welcome; absent if there was none. */ welcomedForMs?: number;
} & (
  | { kind: 'stopped' }
  | { kind: 'goAway'; reason: string; afterMs: number; spreadMs: number }
  | { kind: 'refused'; code: string; message: string; retryAfterMs: number }
  | { kind: 'lost'; code: string; message: string }
);
