/** A file that only its owner reads, whole or not at all. */

import { open, rename, rm } from 'node:fs/promises';

/**
 * The file is opened before there is anything to lose: making it may end something older. It takes the place of a file of that
 * name, which others may have been allowed to read.
 */
export async function writePrivately(file: string, make: () => Promise<string>): Promise<void> {
  const beside = `${file}.${process.pid}.new`;
  const handle = await open(beside, 'wx', 0o600);
  try {
    await handle.writeFile(await make());
    await handle.close();
    await rename(beside, file);
  } catch (error) {
    await handle.close();
    await rm(beside, { force: true });
    throw error;
  }
}
