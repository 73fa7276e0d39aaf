/** Gives a cluster that came from a template its password. */

import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Cluster } from './cluster.ts';
import { DATABASE } from './cluster.ts';
import { spawnServer, stopServer } from './server-process.ts';

const SOCKET_NUMBER = 5432;

/**
 * Not in single-user mode: that asks for the user's name, and in a container a user may be no more than a number.
 * The server runs for a moment without a password, reached only by a socket in a folder that is open to nobody else;
 * the folder for temporary files has a short path, as a socket needs.
 * @throws SluiceError DATABASE_UNAVAILABLE.
 */
export async function setPassword(cluster: Cluster, password: string): Promise<void> {
  const sockets = await mkdtemp(join(tmpdir(), 'sluice-'));
  if (cluster.user) await chown(sockets, cluster.user.uid, cluster.user.gid);
  try {
    const reach = { listen_addresses: '', unix_socket_directories: sockets };
    const pid = await spawnServer(cluster, SOCKET_NUMBER, join(sockets, 'log'), reach);
    const client = new Client({ host: sockets, port: SOCKET_NUMBER, user: DATABASE, database: DATABASE });
    try {
      await client.connect();
      await client.query(`ALTER ROLE ${DATABASE} PASSWORD '${password}'`);
    } finally {
      await client.end().catch(() => {});
      await stopServer(pid);
    }
  } finally {
    await rm(sockets, { recursive: true, force: true });
  }
}
