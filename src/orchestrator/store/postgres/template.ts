/** A cluster that initdb made, as one file: an image has no shell, and initdb runs everything through one. */

import { chown, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import type { ServerUser } from './binaries.ts';

interface Entry {
  /** Within the cluster. */
  path: string;
  /** Undefined: a folder. */
  content: Uint8Array | undefined;
}

/** Writes the cluster of a stopped server to a file: 40 MB become 1.6 MB, since its databases are alike. */
export async function packCluster(cluster: string, file: string): Promise<void> {
  const found = await readdir(cluster, { recursive: true, withFileTypes: true });
  const entries = found.map(async (entry): Promise<Entry> => {
    const path = join(entry.parentPath, entry.name);
    return { path: relative(cluster, path), content: entry.isFile() ? await readFile(path) : undefined };
  });
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 24 };
  const packed = await promisify(brotliCompress)(serialize(await Promise.all(entries)), { params });
  await writeFile(file, packed);
}

/**
 * Fills an empty folder with what {@link packCluster} wrote, for its owner only.
 * Every cluster of one file has one system identifier; that tells servers apart that replicate to each other, which these never do.
 */
export async function unpackCluster(file: string, cluster: string, user: ServerUser | undefined): Promise<void> {
  const entries = deserialize(await promisify(brotliDecompress)(await readFile(file))) as Entry[];
  const own = async (path: string): Promise<void> => (user ? chown(path, user.uid, user.gid) : undefined);
  const folders = entries.filter(({ content }) => content === undefined);
  // Outer folders come before those in them.
  for (const { path } of folders.toSorted((one, other) => one.path.length - other.path.length)) {
    await mkdir(join(cluster, path), { mode: 0o700 });
    await own(join(cluster, path));
  }
  for (const { path, content } of entries) {
    if (content === undefined) continue;
    await writeFile(join(cluster, path), content, { mode: 0o600 });
    await own(join(cluster, path));
  }
}
