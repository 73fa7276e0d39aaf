import { expect, test } from 'vitest';
import { elapsedOf, reported, showSeconds } from '../../cluster/progress.ts';

test.each([
  [4.4, '4 s'],
  [60, '1 min'],
  [95, '1 min 35 s'],
])('%d seconds read as %s', (seconds, text) => {
  expect(showSeconds(seconds)).toBe(text);
});

test('elapsed time stands beside what is expected, and what is slow is called so', () => {
  expect(elapsedOf(90, 300)).toBe('1 min 30 s of about 5 min');
  expect(elapsedOf(600, 300)).toBe('10 min of about 5 min, slower than usual');
});

test('a long work is reported while it lasts, and not after', async () => {
  const lines: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  const work = reported(
    'building etcd',
    65,
    (line) => lines.push(line),
    () => promise,
    1,
  );
  await expect.poll(() => lines[0]).toMatch(/^building etcd: 0 s of about 1 min 5 s$/);
  resolve('built');
  expect(await work).toBe('built');
  const count = lines.length;
  await new Promise((done) => setTimeout(done, 20));
  expect(lines).toHaveLength(count);
});
