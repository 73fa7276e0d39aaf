import { expect, test } from 'vitest';
import { Journal } from '../../../src/agent/dispatch/journal.ts';
import type { Operation, OperationResult, OperationSpec } from '../../../src/protocol/operation.ts';

const get: OperationSpec = { kind: 'get', object: { apiVersion: 'v1', kind: 'Service', name: 'x' } };
const http: OperationSpec = { kind: 'http', method: 'POST', url: 'http://x', headers: {}, timeoutMs: 1 };

function operation(id: string, spec = get): Operation {
  return { id, deploymentId: 'd', namespace: 'shop', notAfterMs: 0, spec };
}

function run(journal: Journal, id: string, value?: unknown, spec = get): void {
  const result: OperationResult = { id, state: 'succeeded', code: 'OK', message: '', value, atMs: 0 };
  journal.finish(journal.add(operation(id, spec), 1, false), result);
  journal.stored([id]);
}

test('a stored result is found again with its value, and is open until it is stored again', () => {
  const journal = new Journal(() => 0);
  run(journal, 'a', { object: 1 });
  expect(journal.open()).toEqual([]);
  expect(journal.find(operation('a'))?.result).toMatchObject({ state: 'succeeded', value: { object: 1 } });
  expect(journal.open()).toHaveLength(1);
  journal.stored(['a']);
  expect(journal.open()).toEqual([]);
  expect(journal.find(operation('a'))).toBeDefined();
});

test('ten thousand are remembered, for an hour', () => {
  let nowMs = 0;
  const journal = new Journal(() => nowMs);
  for (let at = 0; at < 10_001; at++) run(journal, `${at}`);
  expect(journal.find(operation('0'))).toBeUndefined();
  expect(journal.find(operation('1'))).toBeDefined();
  nowMs = 3_600_001;
  expect(journal.find(operation('2'))).toBeUndefined();
});

test('a large value is not kept: the deed is known to be done, its value is read again', () => {
  const journal = new Journal(() => 0);
  run(journal, 'large', 'x'.repeat(9000));
  expect(journal.find(operation('large'))).toBeUndefined();
  expect(journal.add(operation('large'), 1, true).history).toBe('done');
  expect(journal.add(operation('other'), 1, true).history).toBe('repeated');
  expect(journal.add(operation('new'), 1, false).history).toBe('first');
});

test('all values together stay below 4 MiB', () => {
  const journal = new Journal(() => 0);
  for (let at = 0; at < 600; at++) run(journal, `${at}`, 'x'.repeat(8000));
  expect(journal.find(operation('1'))).toBeDefined();
  expect(journal.add(operation('599'), 1, true).history).toBe('done');
});

test('what must not be done twice is never done for its answer', () => {
  const journal = new Journal(() => 0);
  run(journal, 'post', { body: 'x'.repeat(9000) }, http);
  const again = journal.find(operation('post', http));
  expect(again?.result).toMatchObject({ state: 'failed', code: 'TOO_LARGE' });
  expect(again?.result?.message).toContain('not done again');
});
