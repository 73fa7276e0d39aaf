/** A cluster, as PostgreSQL calls the data folder of one server, and how its programs are started on it. */

import type { Binaries, ServerUser } from './binaries.ts';

/** Name of the role and of the database. */
export const DATABASE = 'sluice';

/** Where the cluster lies and how its programs are started. */
export interface Cluster {
  folder: string;
  binaries: Binaries;
  user: ServerUser | undefined;
}

/** Options for a child that works on the cluster: its working folder is the cluster, whoever it runs as. */
export function childOptions(cluster: Cluster): { cwd: string; uid?: number; gid?: number } {
  return { cwd: cluster.folder, ...cluster.user };
}

/**
 * The folder as the child names it. As another user it could not walk a path through our private folders;
 * its working folder is entered before the user is changed, so that name always works (tried on Linux, where root is the case that matters).
 */
export function folderArgument(cluster: Cluster): string {
  return cluster.user && process.platform === 'linux' ? '/proc/self/cwd' : cluster.folder;
}
