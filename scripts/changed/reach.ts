/**
 * Which test files a change can reach. Pure.
 *
 * A TypeScript file depends on
 * - each module that it imports or re-exports, types included;
 * - each file or folder of the repository that a string in it names, from the root or from its own folder. Tests spawn programs by
 *   their path, read pages and charts, and build Go modules. Of a template, the text up to the last `/` before its first expression
 *   counts, and adjacent literal arguments of `join` are one path. A folder stands for everything below it, and a folder with `go.mod`
 *   is one unit;
 * - each file that a glob in it matches, but not on what that file depends on: such a test reads the text.
 *
 * Exceptions keep this from reaching everything:
 * - Folders that hold nearly everything do not count, nor does a word that is a folder of the root when one below the file has that name.
 * - Programs in `src` read only `src` and `proto`, which is all that their images hold. Other names in them are words.
 *
 * Every test depends on the settings, and on what `vitest.config.ts` depends on. Other files depend on nothing.
 */

import type { References } from './references.ts';
import { foldersOf, hasGlobFor, targetsOf, treeOf } from './targets.ts';

const SETTINGS = /^(package(-lock)?\.json|tsconfig\.json|vitest\.config\.ts|\.npmrc)$/;
const TEST_FILE = /^test\/.*\.test\.ts$/;

/** By path from the root, what each TypeScript file refers to; undefined for other files and for those that no longer exist. */
export type Files = ReadonlyMap<string, References | undefined>;

/** @returns all test files that exist, sorted. */
export function testsOf(files: Files): string[] {
  return [...files]
    .filter(([file, references]) => TEST_FILE.test(file) && references !== undefined)
    .map(([file]) => file)
    .toSorted();
}

/**
 * @param changed paths, also of files that no longer exist.
 * @returns the test files, sorted.
 */
export function reachedTests(files: Files, changed: readonly string[]): string[] {
  const tests = testsOf(files);
  const users = usersOf(files, changed);
  const reached = new Set<string>();
  const left = [...changed, ...globbing(files, changed)];
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (SETTINGS.test(file)) return tests;
    if (reached.has(file)) continue;
    reached.add(file);
    for (const named of [file, ...foldersOf(file)]) left.push(...(users.get(named) ?? []));
  }
  return tests.filter((file) => reached.has(file));
}

/** For each file or folder, the files that depend on it. */
function usersOf(files: Files, changed: readonly string[]): Map<string, string[]> {
  // A string may name a file that this change deletes.
  const tree = treeOf([...files.keys(), ...changed]);
  const users = new Map<string, string[]>();
  for (const [file, references] of files) {
    for (const target of references === undefined ? [] : targetsOf(file, references, tree)) {
      const known = users.get(target);
      if (known === undefined) users.set(target, [file]);
      else known.push(file);
    }
  }
  return users;
}

/** The files with a glob that a change matches. The globs of `vitest.config.ts` choose tests. */
function globbing(files: Files, changed: readonly string[]): string[] {
  return [...files].flatMap(([file, references]) =>
    references !== undefined && !SETTINGS.test(file) && hasGlobFor(file, references, changed) ? [file] : [],
  );
}
