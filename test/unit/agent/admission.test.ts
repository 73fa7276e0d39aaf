import { describe, expect, test } from 'vitest';
import { checkWrite, endingOf } from '../../../src/agent/dispatch/admission.ts';
import { SluiceError } from '../../../src/shared/errors.ts';
import type { Operation, OperationSpec } from '../../../src/protocol/operation.ts';

const object = { apiVersion: 'v1', kind: 'Service', name: 'x' };
const patch: OperationSpec = { kind: 'patch', object, type: 'merge', body: {} };
const of = (spec: OperationSpec): Operation => ({
  id: 'a',
  deploymentId: 'd',
  namespace: 'shop',
  notAfterMs: 100,
  spec,
});

describe('right before a write', () => {
  const fine = { notAfterMs: 100, nowMs: 100, isCancelled: false, heldEpoch: 3, highestEpoch: 3 };

  test('it may until its deadline', () => {
    expect(() => checkWrite(fine)).not.toThrow();
  });

  test.each([
    [{ nowMs: 101 }, 'EXPIRED'],
    [{ isCancelled: true }, 'CANCELLED'],
    [{ highestEpoch: 4 }, 'SUPERSEDED'],
  ])('%o: %s', (changed, code) => {
    expect(() => checkWrite({ ...fine, ...changed })).toThrow(expect.objectContaining({ code }));
  });
});

describe('how an operation ends that threw', () => {
  const base = { operation: of(patch), isLate: false, isCancelled: false, hasWritten: false };
  const error = (code: string): SluiceError => new SluiceError(code, 'why.');

  test.each([
    ['CANCELLED', { isCancelled: true }, 'cancelled', 'CANCELLED'],
    ['CANCELLED', { isLate: true }, 'expired', 'EXPIRED'],
    ['CANCELLED', { isLate: true, hasWritten: true }, 'failed', 'TIMEOUT'],
    ['EXPIRED', {}, 'expired', 'EXPIRED'],
    ['EXPIRED', { hasWritten: true }, 'failed', 'TIMEOUT'],
    ['UNAVAILABLE', { isLate: true, hasWritten: true }, 'failed', 'TIMEOUT'],
    ['UNAVAILABLE', {}, 'failed', 'UNAVAILABLE'],
    ['FORBIDDEN', { isLate: true, hasWritten: true }, 'failed', 'FORBIDDEN'],
    ['SUPERSEDED', {}, 'superseded', 'SUPERSEDED'],
    ['SUPERSEDED', { hasWritten: true }, 'failed', 'SUPERSEDED'],
    ['POLICY', {}, 'rejected', 'POLICY'],
    ['NO_SUCH_CODE', {}, 'failed', 'INTERNAL'],
  ])('%s, %o: %s', (code, facts, state, ended) => {
    expect(endingOf(error(code), { ...base, ...facts })).toMatchObject({ state, code: ended });
  });

  test('a read that ran out of time is no operation that never ran', () => {
    const late = { ...base, operation: of({ kind: 'get', object }), isLate: true };
    expect(endingOf(error('CANCELLED'), late)).toMatchObject({ state: 'failed', code: 'TIMEOUT' });
  });
});
