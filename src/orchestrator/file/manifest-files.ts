/** Which files a written path means: one file, or a folder's `.yaml` and `.yml`, in the order of their names. */

import { PROTOTYPE_PROBLEM } from './prototype-keys.ts';

export type ManifestFiles = { files: [path: string, text: string][] } | { problem: string };

/** @param files by path relative to the deployment file's folder, as `normalPath` writes it. */
export function manifestFiles(written: string, files: Record<string, string>): ManifestFiles {
  if (/^https?:\/\//.test(written)) return { problem: `not supported yet: manifests from a URL: ${written}` };
  const path = normalPath(written);
  // As a key of `files` it would be lost.
  if (path === '__proto__') return { problem: PROTOTYPE_PROBLEM };
  const text = Object.hasOwn(files, path) ? files[path] : undefined;
  if (text !== undefined) return { files: [[path, text]] };
  const prefix = path === '' ? '' : `${path}/`;
  const inside = Object.entries(files)
    .filter(([name]) => name.startsWith(prefix) && /\.ya?ml$/.test(name))
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  if (inside.length > 0) return { files: inside };
  return {
    problem: `${written} is not there, or holds no .yaml or .yml file (paths begin at the deployment file's folder)`,
  };
}

/**
 * A path as the keys of `files` are written: `./a//b/` and `/a/b` (the older product's actions put a root in front of it) are `a/b`.
 * `..` is kept: it may well lead out of the folder.
 */
export function normalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}
