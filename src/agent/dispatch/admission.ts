/** Whether an operation that arrived, or whose turn has come, is to run. Pure. */

import { SluiceError, messageOf } from '../../shared/errors.ts';
import type { Operation, OperationResult, ResultCode, TerminalState } from '../../protocol/operation.ts';
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

/** How an operation ends that threw. */
export function refusalOf(error: unknown): Refusal {
  const { code, message } = describe(error);
  const states: Partial<Record<ResultCode, TerminalState>> = { CANCELLED: 'cancelled', POLICY: 'rejected' };
  return { state: states[code] ?? 'failed', code, message };
}

const CODES: ReadonlySet<string> = new Set<ResultCode>([
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'CONFLICT',
  'PRECONDITION',
  'FORBIDDEN',
  'INVALID',
  'POLICY',
  'UNSUPPORTED',
  'CANCELLED',
  'TOO_LARGE',
  'TIMEOUT',
  'UNAVAILABLE',
]);

function describe(error: unknown): { code: ResultCode; message: string } {
  const code = error instanceof SluiceError && CODES.has(error.code) ? (error.code as ResultCode) : 'INTERNAL';
  return { code, message: messageOf(error) };
}
