/** Whether an operation that arrived, or whose turn has come, is to run and to write, and how it ends if not. Pure. */

import { SluiceError, messageOf } from '../../shared/errors.ts';
import { asResultCode } from '../../protocol/operation.ts';
import type { Operation, OperationKind, OperationResult, ResultCode, TerminalState } from '../../protocol/operation.ts';
import type { Policy } from '../operations/policy.ts';
import { checkPolicy } from '../operations/policy.ts';

/** The way an operation ends that does not run; undefined: it may. */
export type Refusal = Pick<OperationResult, 'state' | 'code' | 'message'>;

/** On arrival. @param highestEpoch the highest that the agent has seen. */
export function admit(operation: Operation, epoch: number, highestEpoch: number, policy: Policy): Refusal | undefined {
  if (epoch < highestEpoch) {
    return {
      state: 'rejected',
      code: 'SUPERSEDED',
      message: `The operation comes from a session of epoch ${epoch}; a newer orchestrator of epoch ${highestEpoch} has taken over.`,
    };
  }
  try {
    checkPolicy(operation, policy);
  } catch (error) {
    return { state: 'rejected', ...describe(error) };
  }
  return undefined;
}

/** At its turn. @param nowMs by the hub's clock. */
export function checkDeadline(operation: Operation, nowMs: number): Refusal | undefined {
  if (nowMs <= operation.notAfterMs) return undefined;
  return {
    state: 'expired',
    code: 'EXPIRED',
    message: `Not started: its turn came ${nowMs - operation.notAfterMs} ms after its deadline.`,
  };
}

export interface WriteFacts {
  notAfterMs: number;
  /** By the hub's clock. */
  nowMs: number;
  isCancelled: boolean;
  /** Of the newest session that counts on the operation, and the newest of all. */
  heldEpoch: number;
  highestEpoch: number;
}

/** Right before each write: the process may have been stopped since its turn came. @throws SluiceError CANCELLED, SUPERSEDED, EXPIRED */
export function checkWrite({ notAfterMs, nowMs, isCancelled, heldEpoch, highestEpoch }: WriteFacts): void {
  if (isCancelled) throw new SluiceError('CANCELLED', 'Cancelled before it was written.');
  if (heldEpoch < highestEpoch) {
    throw new SluiceError(
      'SUPERSEDED',
      `Not written: it comes from a session of epoch ${heldEpoch}; a newer one of epoch ${highestEpoch} has taken over.`,
    );
  }
  if (nowMs > notAfterMs) {
    throw new SluiceError('EXPIRED', `Not written: its deadline passed ${nowMs - notAfterMs} ms before. Ask anew.`);
  }
}

export interface EndFacts {
  operation: Operation;
  /** Its deadline passed while it ran. */
  isLate: boolean;
  isCancelled: boolean;
  /** Bytes of a write of its went out. */
  hasWritten: boolean;
}

/** How an operation ends that threw. What the API server answered for certain stands, late or not. */
export function endingOf(error: unknown, { operation, isLate, isCancelled, hasWritten }: EndFacts): Refusal {
  const refusal = refusalOf(error);
  const { code, message } = refusal;
  const isOutOfTime = code === 'EXPIRED' || (isLate && !isCancelled && UNDECIDED.has(code));
  if (isOutOfTime) {
    if (changes(operation) && !hasWritten) {
      return { state: 'expired', code: 'EXPIRED', message: `Nothing was written before its deadline. ${message}` };
    }
    const what = `Given up at its deadline, the ${operation.spec.kind} was not finished`;
    return { state: 'failed', code: 'TIMEOUT', message: `${what}: ${message}` };
  }
  // Part of it is written: that is no operation that never ran.
  if (code === 'SUPERSEDED' && hasWritten) return { ...refusal, state: 'failed' };
  return refusal;
}

/** How an operation ends that threw before it ran. */
export function refusalOf(error: unknown): Refusal {
  const { code, message } = describe(error);
  return { state: STATES[code] ?? 'failed', code, message };
}

const STATES: Partial<Record<ResultCode, TerminalState>> = {
  CANCELLED: 'cancelled',
  POLICY: 'rejected',
  SUPERSEDED: 'superseded',
  EXPIRED: 'expired',
};

/** Codes with which the end of the time itself shows. */
const UNDECIDED: ReadonlySet<ResultCode> = new Set<ResultCode>(['CANCELLED', 'TIMEOUT', 'UNAVAILABLE']);

const CHANGING: ReadonlySet<OperationKind> = new Set<OperationKind>(['apply', 'patch', 'scale', 'delete']);

function changes({ spec }: Operation): boolean {
  return CHANGING.has(spec.kind) && !(spec.kind === 'apply' && spec.dryRun === true);
}

function describe(error: unknown): { code: ResultCode; message: string } {
  const code = error instanceof SluiceError ? asResultCode(error.code) : 'INTERNAL';
  return { code, message: messageOf(error) };
}
