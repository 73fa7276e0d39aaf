/** One orchestrator per data folder: a lock that the kernel lets go of when its holder dies, however it dies. */

import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { SluiceError } from '../../shared/errors.ts';

/**
 * Takes the folder for this process until `release` or death.
 * Node has no file locks; SQLite's exclusive transaction is one (fcntl), and is freed by kill -9 (measured).
 * @param folder exists already.
 * @throws SluiceError DATA_FOLDER_IN_USE (stalled) when another process holds it.
 */
export function lockFolder(folder: string): { release(): void } {
  const database = new DatabaseSync(join(folder, 'lock.sqlite'));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw new SluiceError(
      'DATA_FOLDER_IN_USE',
      `Another orchestrator uses the data folder ${folder}. Stop it, or give this one a folder of its own (SLUICE_DATA_DIR).`,
      { disposition: 'stalled', cause: error },
    );
  }
  return { release: () => database.close() };
}
