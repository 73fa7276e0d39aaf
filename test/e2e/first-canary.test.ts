/** docs/first-canary.md as a stranger follows it: a copy of the repository, an empty cluster, the page's own commands. */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../cluster/api.ts';
import { repository } from '../support/child.ts';
import { makeScratch } from '../support/scratch.ts';
import { shellBlocks } from '../support/shell-blocks.ts';

const page = readFileSync(join(repository, 'docs/first-canary.md'), 'utf8');
const [first = '', ...rest] = shellBlocks(page);

/** What the page's commands run and install, besides the images. */
const USED = [
  'src/cli/main.ts',
  'test/cluster/main.ts',
  'helm/agent/Chart.yaml',
  'helm/orchestrator/Chart.yaml',
  'examples/first-canary/deploy.yaml',
];

const scratch = makeScratch('first-canary');
const copy = join(scratch.folder, 'sluice');
let playground: ChildProcess;
/** What the playground prints for the other terminal. */
let exports: string;

beforeAll(async () => {
  copyRepository();
  const [install, start = '', ...more] = first.trim().split('\n');
  // Whoever runs this test has run it, as the first line of the README; a second time takes a minute and shows nothing.
  expect([install, more]).toEqual(['npm ci', []]);
  symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'));
  playground = spawn('bash', ['-c', `exec ${start}`], {
    cwd: copy,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  exports = await linesUntil(playground, 'Ctrl-C ends it');
}, 600_000);

afterAll(async () => {
  // npm, its shell, Node: as Ctrl-C in a terminal reaches them all, and the last of them tidies up.
  if (isThere(playground)) process.kill(-Number(playground.pid), 'SIGINT');
  await until('the playground to end', () => Promise.resolve(!isThere(playground)));
  await scratch.remove();
});

it('reaches a promoted canary, and stops another, by the text of docs/first-canary.md', async () => {
  const script = ['set -euo pipefail', 'trap "kill \\$(jobs -p) || true" EXIT', exports, ...rest].join('\n');
  const shell = spawn('bash', [], { cwd: copy, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let said = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (part) => (said += String(part)));
  shell.stdin.end(script);
  const [code] = (await once(shell, 'exit')) as [number | null];
  expect(code, said).toBe(0);
  expect(said).toMatch(/10 %[^]*50 %[^]*succeeded/);
  expect(said).toContain('exit code 5');
  const [, between = ''] = /## 5[^]*?## 6/.exec(page) ? said.split('exit code 5') : [];
  expect(between).not.toContain('trafficsplit');
});

/** Whether any process of its group is. */
function isThere({ pid }: ChildProcess): boolean {
  try {
    return pid !== undefined && process.kill(-pid, 0);
  } catch {
    return false;
  }
}

/** What is committed, and what is about to be. */
function copyRepository(): void {
  const names = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: repository });
  const files = String(names).split('\n').filter(Boolean);
  expect(files).toEqual(expect.arrayContaining(USED));
  for (const name of files) {
    mkdirSync(dirname(join(copy, name)), { recursive: true });
    cpSync(join(repository, name), join(copy, name));
  }
}

/** Everything it printed up to the line that begins so, without the words around the commands. */
async function linesUntil(child: ChildProcess, end: string): Promise<string> {
  let text = '';
  for await (const part of child.stdout ?? []) {
    text += String(part);
    if (text.includes(end)) return text.match(/^ *export .*$/gm)?.join('\n') ?? '';
  }
  throw new Error(`The playground ended: ${text}`);
}
