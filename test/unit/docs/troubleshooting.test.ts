/** docs/troubleshooting.md has an answer for each alert and each cause of a failed connection, and for nothing else. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const page = read('docs/troubleshooting.md');

interface Rules {
  groups: { rules: { alert: string; annotations: { runbook: string } }[] }[];
}

it('each alert has its part, where its runbook points', () => {
  const rules = ['agent', 'orchestrator'].flatMap((chart) =>
    (parse(read(`helm/${chart}/files/alerts.yaml`)) as Rules).groups.flatMap((group) => group.rules),
  );
  const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, heading = '']) => heading);
  expect(headings.toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
  for (const { alert, annotations } of rules) {
    expect(annotations.runbook).toBe(`docs/troubleshooting.md#${alert.toLowerCase()}`);
  }
});

it('each code that a failed connection is given has a line', () => {
  const source = read('src/agent/stream/cause.ts');
  const codes = [...source.matchAll(/^\s+code: (.*),$/gm)].flatMap(([, text = '']) =>
    [...text.replaceAll(/=== '[A-Z_]+'|includes\('[A-Z_]+'\)/g, '').matchAll(/'([A-Z0-9_]+)'/g)].map(
      ([, code]) => code,
    ),
  );
  const told = [...page.matchAll(/^\| `\w+` \| `(\w+)` \|/gm)].map(([, code = '']) => code);
  expect(codes.length).toBeGreaterThan(15);
  expect(new Set(told)).toEqual(new Set(codes));
});
