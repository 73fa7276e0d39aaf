/**
 * `npm test`: Vitest with the arguments it is given. `--changed [REF]` runs what a change can reach: of what is not committed, or of all
 * since the commit at which this branch left REF.
 */

import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reachedTests } from './changed/reach.ts';
import { referencesOf, type References } from './changed/references.ts';

const root = join(import.meta.dirname, '..');

function main(args: string[]): Promise<number> {
  const at = args.findIndex((argument) => argument === '--changed' || argument.startsWith('--changed='));
  if (at < 0) return vitest(args);
  const [, attached] = (args[at] ?? '').split('=');
  const next = args[at + 1];
  const isNextRef = attached === undefined && next !== undefined && !next.startsWith('-');
  const rest = args.toSpliced(at, isNextRef ? 2 : 1);
  const changed = changedSince(attached ?? (isNextRef ? next : undefined));
  const files = readReferences();
  const tests = reachedTests(files, changed);
  const all = [...files.keys()].filter((file) => file.endsWith('.test.ts')).length;
  console.log(`${changed.length} changed files reach ${tests.length} of ${all} test files.`);
  return tests.length === 0 ? Promise.resolve(0) : vitest([...rest, ...tests]);
}

/** @throws with what git said of a REF that it does not know. */
function changedSince(ref: string | undefined): string[] {
  const base = ref === undefined ? 'HEAD' : git('merge-base', ref, 'HEAD').trim();
  return [
    ...lines(git('diff', '--name-only', '--no-renames', base)),
    ...lines(git('ls-files', '--others', '--exclude-standard')),
  ];
}

function readReferences(): Map<string, References | undefined> {
  const names = lines(git('ls-files', '--cached', '--others', '--exclude-standard'));
  return new Map(names.map((name) => [name, name.endsWith('.ts') ? read(name) : undefined]));
}

/** Undefined: it is gone. */
function read(name: string): References | undefined {
  try {
    return referencesOf(name, readFileSync(join(root, name), 'utf8'));
  } catch {
    return undefined;
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 26,
  });
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** @returns its exit code; a signal to this process is one to Vitest. */
function vitest(args: string[]): Promise<number> {
  const program = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [program, 'run', ...args], { cwd: root, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { stderr } = error as { stderr?: string };
  console.error(
    `Git could not say what changed: ${(stderr ?? String(error)).trim()}. Name a branch, a tag or a commit.`,
  );
  process.exitCode = 2;
}
