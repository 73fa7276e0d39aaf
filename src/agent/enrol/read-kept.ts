/** The credential for who only looks: from its file, or from the agent's Secret, without enrolling and without a change. */

import { systemClock } from '../../shared/clock.ts';
import { SluiceError } from '../../shared/errors.ts';
import type { AgentConfig } from '../config.ts';
import { readCredential } from '../credential.ts';
import type { AgentCredential } from '../credential.ts';
import { openClusterAccess } from '../kubernetes/cluster-access.ts';
import { KubeApi } from '../kubernetes/kube-api.ts';
import { CredentialSecret } from './credential-secret.ts';

/** `path`: where it lies, for people. @throws SluiceError CREDENTIAL, SECRET, CLUSTER_ACCESS. */
export async function readKept(config: AgentConfig): Promise<{ path: string; credential: AgentCredential }> {
  const { credential: source, cluster, plaintext } = config;
  if (source.kind !== 'secret') return { path: source.path, credential: await readCredential(source, plaintext) };
  const api = new KubeApi(await openClusterAccess(cluster), systemClock);
  const path = `Secret ${source.namespace}/${source.name}`;
  try {
    const { credential } = await new CredentialSecret(api, source).read();
    if (credential) return { path, credential };
    throw new SluiceError(
      'CREDENTIAL',
      `${path} holds no credential: the agent has not enrolled yet. Its log says why.`,
      {
        disposition: 'stalled',
      },
    );
  } finally {
    api.close();
  }
}
