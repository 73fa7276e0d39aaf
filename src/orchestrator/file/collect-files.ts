/** Finds a deployment file and the manifests it names on disk. What is not there is left out: the reader says so, with its line. */

import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../../shared/errors.ts';
import { normalPath } from './manifest-files.ts';
import { parseWithPlaces } from './yaml-places.ts';

/** No such file, or a path that can name none. */
const NOT_THERE = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'ERR_INVALID_ARG_VALUE']);

export interface CollectedFiles {
  /** The path as it was given. */
  name: string;
  text: string;
  files: Record<string, string>;
}

/** @throws what reading the deployment file itself throws. */
export async function collectFiles(path: string): Promise<CollectedFiles> {
  const text = await readFile(path, 'utf8');
  const folder = dirname(path);
  const files: Record<string, string> = {};
  for (const written of pathsIn(parseWithPlaces(text, basename(path)).value))
    await collect(folder, normalPath(written), files);
  return { name: path, text, files };
}

/** Every `path` under `manifests` and `runJob`, whatever else is wrong with the file. */
function pathsIn(value: unknown): string[] {
  const manifests = (value as { manifests?: unknown } | null | undefined)?.manifests;
  const strategies = (value as { strategies?: unknown } | null | undefined)?.strategies;
  const listed = Array.isArray(manifests) ? manifests.map((manifest: unknown) => pathOf(manifest)) : [];
  return [...listed, ...jobPaths(strategies)].filter(
    (path) => path !== undefined && !/^https?:\/\//.test(path),
  ) as string[];
}

function pathOf(node: unknown): string | undefined {
  const path = (node as { path?: unknown } | null | undefined)?.path;
  return typeof path === 'string' ? path : undefined;
}

/** @param seen what was looked at already: an alias can stand inside of what it names. */
function jobPaths(node: unknown, seen = new Set<unknown>()): (string | undefined)[] {
  if (typeof node !== 'object' || node === null || seen.has(node)) return [];
  seen.add(node);
  return Object.entries(node).flatMap(([key, inner]) => (key === 'runJob' ? [pathOf(inner)] : jobPaths(inner, seen)));
}

async function collect(folder: string, path: string, files: Record<string, string>): Promise<void> {
  const place = join(folder, path);
  const found = await stat(place).catch(absent);
  if (found === undefined) return;
  if (!found.isDirectory()) {
    files[path] = await readFile(place, 'utf8');
    return;
  }
  for (const entry of await readdir(place, { withFileTypes: true })) {
    const inner = path === '' ? entry.name : `${path}/${entry.name}`;
    if (entry.isDirectory() || /\.ya?ml$/.test(entry.name)) await collect(folder, inner, files);
  }
}

function absent(error: unknown): undefined {
  if (NOT_THERE.has(codeOf(error) ?? '')) return undefined;
  throw error;
}
