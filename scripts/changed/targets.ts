/** The files and folders that one TypeScript file depends on directly. Pure; the rule is in `reach.ts`. */

import { dirname, join, matchesGlob, normalize } from 'node:path/posix';
import type { References } from './references.ts';

/** The files of the repository and the folders that hold them, by path from its root. */
export interface Tree {
  files: ReadonlySet<string>;
  folders: ReadonlySet<string>;
}

/** Folders that hold nearly everything. */
const TOO_WIDE = new Set(['src', 'test', 'test/unit', 'test/integration', 'test/e2e', 'test/support']);

export function treeOf(paths: Iterable<string>): Tree {
  const files = new Set(paths);
  return { files, folders: new Set([...files].flatMap(foldersOf)) };
}

/** @returns paths from the root; imported modules also when they no longer exist. */
export function targetsOf(file: string, { imports, strings }: References, tree: Tree): Set<string> {
  const own = dirname(file);
  const modules = imports.filter((specifier) => specifier.startsWith('.')).map((specifier) => join(own, specifier));
  const named = strings.filter((text) => !text.includes('\n')).flatMap((text) => namedBy(text, own, tree));
  const read = named.filter((path) => !own.startsWith('src/') || /^(src|proto)\//.test(path));
  return new Set([...modules, ...read.map((path) => goModuleOf(path, tree) ?? path)]);
}

/** Whether a glob in the file, such as `docs/*.md`, matches one of the paths. Without a folder it is a word: `*` in a list of rights. */
export function hasGlobFor(file: string, { strings }: References, paths: readonly string[]): boolean {
  const globs = strings.filter((text) => /^[^*\s]+\/\S*\*/.test(text));
  const own = dirname(file);
  return globs.some((glob) => paths.some((path) => matchesGlob(path, glob) || matchesGlob(path, join(own, glob))));
}

/** The folders above a file or folder, the nearest first. */
export function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === '.' ? [] : [folder, ...foldersOf(folder)];
}

function namedBy(text: string, own: string, { files, folders }: Tree): string[] {
  // Nothing, or only the way up: the folder is the start of another path.
  if (/^[./]*$/.test(text)) return [];
  // In test/cluster, `helm` is the program in test/cluster/binaries/helm and not the charts' folder.
  const isNearer = [...(folders.has(text) ? folders : [])].some(
    (folder) => folder.startsWith(`${own}/`) && folder.endsWith(`/${text}`),
  );
  return [...(isNearer ? [] : [normalize(text)]), join(own, text)]
    .map((path) => path.replace(/\/$/, ''))
    .filter((path) => !TOO_WIDE.has(path) && path !== own && (files.has(path) || folders.has(path)));
}

/** Packages of one Go module import each other, so the module is one unit. */
function goModuleOf(path: string, { files }: Tree): string | undefined {
  return [path, ...foldersOf(path)].find((folder) => files.has(`${folder}/go.mod`));
}
