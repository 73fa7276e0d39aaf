import { expect, test } from 'vitest';
import { logTail } from '../../../src/agent/health/log-tail.ts';

test('the last 20 lines are kept', () => {
  const text = Array.from({ length: 100 }, (_, at) => `line ${at}`).join('\n') + '\n';
  const lines = logTail(text).split('\n');
  expect(lines).toHaveLength(20);
  expect(lines[0]).toBe('line 80');
  expect(lines.at(-1)).toBe('line 99');
});

test('of long lines, as many whole ones as fit into 2 KiB, from the end', () => {
  const text = Array.from({ length: 20 }, (_, at) => `${at} ${'x'.repeat(300)}`).join('\n');
  const tail = logTail(text);
  expect(Buffer.byteLength(tail)).toBeLessThanOrEqual(2048);
  expect(tail).toMatch(/^14 x/);
  expect(tail).toMatch(/\n19 x+$/);
});

test('one line that is too long is cut at a character, not in it', () => {
  const tail = logTail('é'.repeat(5000) + '!');
  expect(Buffer.byteLength(tail)).toBeLessThanOrEqual(2048);
  expect(tail).toMatch(/^é+!$/);
});

test('colours and bytes that move a cursor are left out, tabs stay', () => {
  expect(logTail('\u001B[31mpanic:\u001B[0m\tno\u0007 database\r\n')).toBe('panic:\tno database');
});

test('nothing stays nothing', () => {
  expect(logTail('\n\n')).toBe('');
});
