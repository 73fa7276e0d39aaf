import { expect, test } from 'vitest';
import { slowest } from '../../support/run/slowest-files.ts';

const timed = Array.from({ length: 30 }, (_, index) => ({
  file: `test/${index}.test.ts`,
  tookMs: index * 1000,
  tests: 2,
}));

test('the twenty slowest files are listed, the slowest first, with the time of all', () => {
  const lines = slowest(timed, 150_000).trim().split('\n');
  expect(lines).toHaveLength(21);
  expect(lines[0]).toBe('Slowest of 30 files (tests in each); 150.0 s for 435.0 s of work:');
  expect(lines[1]).toMatch(/^ +29\.0 s {2}test\/29\.test\.ts \(2\)$/);
  expect(lines[20]).toContain('test/10.test.ts');
});
