/** How an operation goes and ends, between its domain form and the wire's. */

import { asResultCode } from './operation.ts';
import type { OperationResult, OperationState, TerminalState } from './operation.ts';
import { decodeJson, encodeJson } from './operation-codec.ts';
import type { OperationState__Output } from './gen/sluice/agent/v1/OperationState.ts';
import type { OperationStatus as WireStatus, OperationStatus__Output } from './gen/sluice/agent/v1/OperationStatus.ts';

/** An operation on its way: not a result yet. */
export interface OperationProgress {
  id: string;
  state: 'accepted' | 'running';
  /** What it does now, for people. */
  message?: string;
  atMs: number;
}

export interface DecodedStatus {
  /** Of the session that delivered the operation. */
  epoch: number;
  status: OperationProgress | OperationResult;
}

/** @param epoch of the session that delivered the operation. */
export function encodeStatus(status: OperationProgress | OperationResult, epoch: number): WireStatus {
  const { id, state, atMs } = status;
  if (!isResult(status)) return { id, state: encodeState(state), message: status.message ?? '', epoch, atMs };
  const { code, message, value } = status;
  const result = value === undefined ? Buffer.alloc(0) : encodeJson(value);
  return { id, state: encodeState(state), code, message, result, epoch, atMs };
}

/** A state that this side does not know ends the operation as failed: a newer agent is not waited for in vain. */
export function decodeStatus(wire: OperationStatus__Output): DecodedStatus {
  const { id, epoch, atMs, message } = wire;
  const state = decodeState(wire.state);
  if (state === 'accepted' || state === 'running') {
    return { epoch, status: { id, state, ...(message && { message }), atMs } };
  }
  const value = wire.result.length > 0 ? { value: decodeJson(wire.result) } : {};
  return { epoch, status: { id, state, code: asResultCode(wire.code), message, ...value, atMs } };
}

function isTerminal(state: OperationState): state is TerminalState {
  return state !== 'accepted' && state !== 'running';
}

export function isResult(status: OperationProgress | OperationResult): status is OperationResult {
  return isTerminal(status.state);
}

export function encodeState(state: OperationState): OperationState__Output {
  return state.toUpperCase() as Uppercase<OperationState>;
}

function decodeState(wire: OperationState__Output): OperationState {
  switch (wire) {
    case 'ACCEPTED':
      return 'accepted';
    case 'RUNNING':
      return 'running';
    case 'REJECTED':
      return 'rejected';
    case 'SUCCEEDED':
      return 'succeeded';
    case 'SUPERSEDED':
      return 'superseded';
    case 'EXPIRED':
      return 'expired';
    case 'CANCELLED':
      return 'cancelled';
    case 'FAILED':
    case 'OPERATION_STATE_UNSPECIFIED':
    default:
      return 'failed';
  }
}
