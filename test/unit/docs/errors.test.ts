/** docs/errors.md lists just the codes that the source can say. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');

/** How a code is written where an error is made. */
const PATTERNS = [
  /new SluiceError\(\s*'([A-Z_]+)'/g,
  /new HttpError\(\s*\d+,\s*'([A-Z_]+)'/g,
  /\bcode: (?:\w+ \? )?'([A-Z_]+)'(?: : '([A-Z_]+)')?/g,
  /\bsay\(\s*'([A-Z_]+)'/g,
];

function codesIn(text: string): string[] {
  return PATTERNS.flatMap((pattern) => [...text.matchAll(pattern)].flatMap(([, ...codes]) => codes)).filter(
    (code) => code !== undefined,
  );
}

it('docs/errors.md and the source have the same codes', () => {
  // Why there is no connection is in docs/logs.md, with the line that says it.
  const elsewhere = ['/gen/', 'stream/cause.ts', 'stream/end-cause.ts'];
  const files = globSync('src/**/*.ts', { cwd: root }).filter((path) => !elsewhere.some((part) => path.includes(part)));
  const said = new Set(files.flatMap((path) => codesIn(readFileSync(join(root, path), 'utf8'))));
  const listed = [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `([A-Z_]+)` \|/gm)].map(
    ([, code]) => code ?? '',
  );
  expect(listed.toSorted()).toEqual([...said].toSorted());
  expect(listed.length).toBeGreaterThan(50);
});
