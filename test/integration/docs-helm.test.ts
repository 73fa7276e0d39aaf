/** The `helm install` and `helm upgrade` lines of the pages: real Helm renders the chart with these very flags. */

import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { program } from '../cluster/programs.ts';
import { repository } from '../support/child.ts';
import { shellLines, wordsOf } from '../support/shell-blocks.ts';

let helm: string;

beforeAll(async () => {
  helm = await program('helm');
}, 600_000);

const lines = ['README.md', ...globSync('docs/*.md', { cwd: repository })].flatMap((page) =>
  commandsOf(readFileSync(join(repository, page), 'utf8')).map((command) => ({ page, command })),
);

it('there are some', () => expect(lines.length).toBeGreaterThan(3));

it.each(lines)('$page: $command', async ({ command }) => {
  const words = wordsOf(command.replaceAll('REGISTRY', 'registry.example')).filter((word) => !ONLY_LIVE.has(word));
  const { stdout } = await promisify(execFile)(helm, ['template', ...words.slice(2), ...needed(command)], {
    cwd: repository,
  });
  expect(parseAllDocuments(stdout).length).toBeGreaterThan(3);
});

/** What `helm template` does not know: it asks no cluster. */
const ONLY_LIVE = new Set(['--wait', '--reset-then-reuse-values', '--create-namespace']);

/** An upgrade keeps what the installation was given. */
function needed(command: string): string[] {
  return command.includes('--reset-then-reuse-values') && command.includes('helm/agent')
    ? ['--set', 'allowedNamespaces={shop}']
    : [];
}

/** Each one with a chart of ours. */
function commandsOf(page: string): string[] {
  return shellLines(page).filter((line) => /^helm (install|upgrade) .*\.\/helm\//.test(line));
}
