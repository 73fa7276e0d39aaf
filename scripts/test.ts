/**
 * `npm test`: Vitest with the arguments it is given. `--changed [REF]` runs what a change can reach: of what is not committed, or of all
 * since the commit at which this branch left REF.
 */

import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reachedTests, testsOf, type Files } from './changed/reach.ts';
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
  const count = changed.length === 1 ? '1 changed file reaches' : `${changed.length} changed files reach`;
  console.log(`${count} ${tests.length} of ${testsOf(files).length} test files.`);
  // Other arguments may leave none of them: `--project unit`, and all of them are end-to-end tests.
  return tests.length === 0 ? Promise.resolve(0) : vitest(['--passWithNoTests', ...rest, ...tests]);
}

/** @throws with what git said of a REF that it does not know. */
function changedSince(ref: string | undefined): string[] {
  const base = ref === undefined ? 'HEAD' : git('merge-base', ref, 'HEAD').join('').trim();
  return [
    ...git('diff', '--name-only', '--no-renames', '-z', base),
    ...git('ls-files', '--others', '--exclude-standard', '-z'),
  ];
}

function readReferences(): Files {
  const names = git('ls-files', '--cached', '--others', '--exclude-standard', '-z');
  return new Map(names.map((name) => [name, name.endsWith('.ts') ? read(name) : undefined]));
}

/** Undefined: it no longer exists. */
function read(name: string): References | undefined {
  try {
    return referencesOf(name, readFileSync(join(root, name), 'utf8'));
  } catch {
    return undefined;
  }
}

/** @returns what it printed, cut at each NUL: without `-z`, git quotes names that are not ASCII. */
function git(...args: string[]): string[] {
  const printed = execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe', maxBuffer: 2 ** 26 });
  return printed.split('\0').filter((part) => part !== '');
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
  const { stderr = '' } = error as { stderr?: string };
  // A revision that shares no commit with this branch: git prints nothing.
  const reason = stderr.trim() || String(error).trim();
  console.error(`git failed to list the changes: ${reason}. Name a branch, a tag or a commit.`);
  process.exitCode = 2;
}
