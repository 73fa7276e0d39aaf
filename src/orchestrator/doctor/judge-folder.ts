/** The data folder and the room on its disk as checks. Pure. */

import { fail, ok, warn } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';

/** Undefined: there is no such folder yet. */
export interface FolderFacts {
  path: string;
  exists: boolean;
  /** Of it, or of the nearest folder above that is there. */
  isWritable: boolean;
  /** It is this user's, and others may look into it. */
  isOpen: boolean;
}

/** As `statfs` gives it. */
export interface DiskFacts {
  /** Bytes in a block. */
  bsize: number;
  /** Blocks that an ordinary user may still fill. */
  bavail: number;
  /** Files that there may be, and that there still may be; 0: the file system does not count them. */
  files: number;
  ffree: number;
}

const MIB = 1024 * 1024;
/** PostgreSQL keeps a log of some 100 MB beside its data; without room it stops, and so does every run. */
const FAIL_BELOW = 256 * MIB;
const WARN_BELOW = 1024 * MIB;
const FEW_FILES = 1000;

export function judgeFolder({ path, exists, isWritable, isOpen }: FolderFacts): Check {
  const id = 'folder';
  const title = 'data folder';
  if (!isWritable) {
    const hint = `Let the orchestrator's user write there (a volume: fsGroup 65532), or set SLUICE_DATA_DIR to a folder of its own.`;
    return fail(id, title, `${path} cannot be written by this user`, hint);
  }
  if (!exists) return ok(id, title, `${path} is made at the first start`);
  if (isOpen) {
    return warn(id, title, `${path} holds keys and can be read by others`, `chmod 700 ${path}`);
  }
  return ok(id, title, `${path} can be written`);
}

export function judgeDisk({ bsize, bavail, files, ffree }: DiskFacts, path: string): Check {
  const id = 'disk';
  const free = bsize * bavail;
  const shown = free < 10 * 1024 * MIB ? `${Math.floor(free / MIB)} MiB` : `${Math.floor(free / MIB / 1024)} GiB`;
  const detail = `${shown} free at ${path}`;
  const hint =
    'Make room, or move the data folder to a larger disk. What is kept, and for how long: SLUICE_RETENTION_DAYS, SLUICE_WORK_RETENTION_DAYS.';
  if (files > 0 && ffree < FEW_FILES) return fail(id, id, `${detail}, but only ${ffree} more files may be made`, hint);
  if (free < FAIL_BELOW) return fail(id, id, `${detail}: the database stops when it is full`, hint);
  if (free < WARN_BELOW) return warn(id, id, `${detail}: that does not last long`, hint);
  return ok(id, id, detail);
}
