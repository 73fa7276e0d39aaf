/** Where the API server is and how the agent proves itself to it: from a pod's ServiceAccount, or from a kubeconfig. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError, messageOf } from '../../shared/errors.ts';

export type ClusterSource =
  | { kind: 'inCluster'; host: string; port: string; folder: string }
  | { kind: 'kubeconfig'; path: string; context?: string };

interface TlsMaterial {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  servername?: string;
  rejectUnauthorized?: boolean;
}

export interface Credentials {
  tls: TlsMaterial;
  /** `authorization`, when it is not the certificate that speaks. */
  headers: Record<string, string>;
}

export interface ClusterAccess {
  /** Origin of the API server, with an optional path prefix: `https://10.96.0.1:443`. */
  server: string;
  /** Read anew at each call: tokens and certificates are rotated under a running agent. */
  read(): Promise<Credentials>;
}

/** @throws SluiceError CLUSTER_ACCESS: names the file or entry that is missing. */
export async function openClusterAccess(source: ClusterSource): Promise<ClusterAccess> {
  return source.kind === 'inCluster' ? inClusterAccess(source) : kubeconfigAccess(source.path, source.context);
}

function inClusterAccess(source: { host: string; port: string; folder: string }): ClusterAccess {
  const host = source.host.includes(':') ? `[${source.host}]` : source.host;
  return {
    server: `https://${host}:${source.port}`,
    async read() {
      const [token, ca] = await Promise.all([
        readServiceAccountFile(join(source.folder, 'token')),
        readServiceAccountFile(join(source.folder, 'ca.crt')),
      ]);
      return { tls: { ca }, headers: { authorization: `Bearer ${token.trim()}` } };
    },
  };
}

async function readServiceAccountFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new SluiceError(
      'CLUSTER_ACCESS',
      `Cannot read ${path}: ${messageOf(cause)}. Mount the ServiceAccount token (automountServiceAccountToken), or set SLUICE_KUBECONFIG.`,
      { disposition: 'stalled', cause },
    );
  }
}

async function kubeconfigAccess(path: string, context: string | undefined): Promise<ClusterAccess> {
  // Loaded on demand: client-node costs about 70 MB resident, and an agent in its cluster needs none of it.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    config.loadFromFile(path);
  } catch (cause) {
    throw new SluiceError('CLUSTER_ACCESS', `Cannot read the kubeconfig ${path}: ${messageOf(cause)}.`, {
      disposition: 'stalled',
      cause,
    });
  }
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new SluiceError('CLUSTER_ACCESS', `The kubeconfig ${path} names no current context with a cluster.`, {
      disposition: 'stalled',
    });
  }
  return {
    server: cluster.server.replace(/\/+$/, ''),
    async read() {
      const options: Parameters<typeof config.applyToHTTPSOptions>[0] = {};
      await config.applyToHTTPSOptions(options);
      const { ca, cert, key, servername, rejectUnauthorized, auth } = options;
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value);
      if (auth) headers['authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
      return { tls: dropUndefined({ ca, cert, key, servername, rejectUnauthorized }), headers };
    },
  };
}

function dropUndefined(material: Record<string, unknown>): TlsMaterial {
  return Object.fromEntries(
    Object.entries(material).filter(([, value]) => value !== undefined && value !== null),
  ) as TlsMaterial;
}
