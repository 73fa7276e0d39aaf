/** Kubeconfig files: how a program finds a cluster and who it is there. */
import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type { KeyPair } from './certificates.ts';

/** Where a cluster's API is and as whom to speak to it. */
export interface Access {
  /** `https://host:port`. */
  url: string;
  /** The CA's certificate, PEM. */
  authority: string;
  /** A client certificate or a bearer token. */
  credential: KeyPair | { token: string };
  /** The namespace that commands without one mean. */
  namespace?: string;
}

/** Writes `access` to `path` (only its owner can read it) and returns the path. */
export async function writeKubeconfig(path: string, access: Access): Promise<string> {
  const user =
    'token' in access.credential
      ? { token: access.credential.token }
      : {
          'client-certificate-data': base64(access.credential.certificate),
          'client-key-data': base64(access.credential.key),
        };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'sluice',
    contexts: [
      { name: 'sluice', context: { cluster: 'sluice', user: 'sluice', namespace: access.namespace ?? 'default' } },
    ],
    clusters: [
      { name: 'sluice', cluster: { server: access.url, 'certificate-authority-data': base64(access.authority) } },
    ],
    users: [{ name: 'sluice', user }],
  };
  await writeFile(path, stringify(config), { mode: 0o600 });
  return path;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
