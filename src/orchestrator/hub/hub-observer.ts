/** What the hub tells whoever counts: called in passing, so it must be cheap and must not throw. */

import type { OperationKind, ResultCode } from '../../protocol/operation.ts';

export interface HubObserver {
  /** An operation ended, so long after it was asked for in this process. */
  operationEnded(kind: OperationKind, code: ResultCode, tookMs: number): void;
  sessionBegan(): void;
  /** An agent was turned away. @param code of the refusal that it was told. */
  refused(code: string): void;
}

/** Counts nothing. */
export const NOBODY: HubObserver = { operationEnded() {}, sessionBegan() {}, refused() {} };
