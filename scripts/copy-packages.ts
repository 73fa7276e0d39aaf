/** Copies packages and all they depend on from one node_modules to another, laid out as they were. */

import { existsSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';

/**
 * @param from an installed node_modules
 * @param to the node_modules to fill
 * @param names the packages wanted; optional dependencies come along where they are installed
 */
export async function copyPackages(from: string, to: string, names: Iterable<string>): Promise<void> {
  const folders = new Set<string>();
  for (const name of names) await collect(name, from, from, folders);
  for (const folder of folders) {
    await cp(folder, join(to, relative(from, folder)), {
      recursive: true,
      verbatimSymlinks: true,
      filter: isWanted(folder),
    });
  }
}

async function collect(name: string, start: string, top: string, folders: Set<string>): Promise<void> {
  const folder = locate(name, start, top);
  if (folder === undefined) throw new Error(`Package ${name} is not installed under ${top}: run "npm ci".`);
  if (folders.has(folder)) return;
  folders.add(folder);
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  ) as { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> };
  const optional = Object.keys(optionalDependencies);
  const inside = join(folder, 'node_modules');
  const present = optional.filter((each) => locate(each, inside, top) !== undefined);
  const needed = Object.keys(dependencies).filter((each) => !optional.includes(each));
  for (const each of [...needed, ...present]) await collect(each, inside, top, folders);
}

/** As Node looks it up: the nearest node_modules, then those above, no higher than the top one. */
function locate(name: string, start: string, top: string): string | undefined {
  for (let at = start; at.startsWith(top); at = dirname(at)) {
    const folder = at.endsWith(`${sep}node_modules`) ? join(at, name) : join(at, 'node_modules', name);
    if (existsSync(join(folder, 'package.json'))) return folder;
  }
  return undefined;
}

/** A package's own nested packages are copied only where something needs them. */
function isWanted(folder: string): (path: string) => boolean {
  const nested = join(folder, 'node_modules');
  return (path) => path !== nested && !path.endsWith('.d.ts') && !path.endsWith('.map');
}
