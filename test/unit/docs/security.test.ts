/** docs/security.md: every row is shown by a test that is there. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/security.md'), 'utf8');
const tests = globSync('test/**/*.test.ts', { cwd: root });

/** @param file the end of a test's path, without `.test.ts`. */
function isThere(file: string, title: string): boolean {
  const path = tests.find((each) => each.endsWith(`/${file}.test.ts`));
  return path !== undefined && readFileSync(join(root, path), 'utf8').includes(title);
}

it('every row of docs/security.md names a test, and that is there', () => {
  const rows = [...page.matchAll(/^\| (?!--- )(.*) \| (.*) \|$/gm)].filter(([, , shown]) => shown !== 'shown by');
  expect(rows.length).toBeGreaterThan(10);
  const missing = rows.filter(([, , shown = '']) => {
    const [, file = '', title = ''] = /^`([a-z0-9/-]+)`: (.+)$/.exec(shown) ?? [];
    return title === '' || !isThere(file, title);
  });
  expect(missing.map(([row]) => row)).toEqual([]);
});
