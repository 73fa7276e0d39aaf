/** docs/health.md lists just the words that an agent says. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { POD_REASONS, SET_REASONS } from '../../../src/agent/health/reasons.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/health.md'), 'utf8');

function rowsOf(heading: string): string[] {
  const part = page.split(/^## /m).find((each) => each.startsWith(heading)) ?? '';
  return [...part.matchAll(/^\| `(\w+)` \|/gm)].map(([, word]) => word ?? '');
}

test.each([
  ['Pods', POD_REASONS],
  ['ReplicaSets', SET_REASONS],
] as const)('the table of %s has the words of the source, in its order', (heading, reasons) => {
  expect(rowsOf(heading)).toEqual([...reasons]);
});
