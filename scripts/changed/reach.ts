/**
 * Which test files a change can reach. Pure.
 *
 * A file reaches each module that it imports, and each file or folder of the repository that a string in it names, from the root or from
 * its own folder: programs are spawned by their path, and so are pages, charts and Go modules read. A folder stands for all below it.
 * Folders that hold nearly everything say nothing, so their bare names do not count; and the programs read nothing but `src` and `proto`,
 * which is all that their images hold, so other names in them are words.
 */

import { dirname, join, normalize } from 'node:path/posix';
import type { References } from './references.ts';

/** What every test rests on. */
const REACHES_ALL = /^(package(-lock)?\.json|tsconfig\.json|vitest\.config\.ts|\.npmrc|test\/support\/run\/.*)$/;
const TOO_WIDE = new Set(['.', '..', '/', 'src', 'test', 'test/unit', 'test/integration', 'test/e2e', 'test/support']);
const TEST_FILE = /^test\/.*\.test\.ts$/;

/**
 * @param files of the repository, by path from its root, with what those in TypeScript refer to.
 * @param changed paths, also of files that are gone.
 * @returns the test files, sorted.
 */
export function reachedTests(files: ReadonlyMap<string, References | undefined>, changed: readonly string[]): string[] {
  const tests = [...files.keys()].filter((file) => TEST_FILE.test(file)).toSorted();
  if (changed.some((file) => REACHES_ALL.test(file))) return tests;
  const users = usersOf(files);
  const reached = new Set<string>();
  const left = [...changed];
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    for (const named of [file, ...foldersOf(file)]) left.push(...(users.get(named) ?? []));
  }
  return tests.filter((file) => reached.has(file));
}

/** For each file or folder, the files that refer to it. */
function usersOf(files: ReadonlyMap<string, References | undefined>): Map<string, string[]> {
  const folders = new Set([...files.keys()].flatMap(foldersOf));
  const users = new Map<string, string[]>();
  for (const [file, references] of files) {
    for (const target of targetsOf(file, references, (path) => files.has(path) || folders.has(path))) {
      const known = users.get(target);
      if (known === undefined) users.set(target, [file]);
      else known.push(file);
    }
  }
  return users;
}

function targetsOf(file: string, references: References | undefined, exists: (path: string) => boolean): Set<string> {
  const { imports = [], strings = [] } = references ?? {};
  const own = dirname(file);
  // An import of a file that is gone is still one.
  const modules = imports.filter((specifier) => specifier.startsWith('.')).map((specifier) => join(own, specifier));
  const named = strings
    .filter((text) => text !== '' && !text.includes('\n'))
    .flatMap((text) => [normalize(text), join(own, text)])
    .map((path) => path.replace(/\/$/, ''))
    .filter((path) => !TOO_WIDE.has(path) && path !== own && exists(path))
    .filter((path) => !own.startsWith('src/') || /^(src|proto)\//.test(path));
  return new Set([...modules, ...named]);
}

function foldersOf(file: string): string[] {
  const folder = dirname(file);
  return folder === '.' ? [] : [folder, ...foldersOf(folder)];
}
