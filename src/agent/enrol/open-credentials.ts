/** Where the agent's credential comes from, as its configuration says: a file that somebody else writes, or a Secret of its own. */

import type { Holds } from '../../protocol/gen/sluice/agent/v1/Holds.ts';
import type { Trust__Output } from '../../protocol/gen/sluice/agent/v1/Trust.ts';
import type { AgentConfig } from '../config.ts';
import { readCredential } from '../credential.ts';
import type { AgentCredential } from '../credential.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';
import { CredentialSecret } from './credential-secret.ts';
import { CredentialKeeper } from './keeper.ts';
import type { CredentialKeeperOptions } from './keeper.ts';

export interface Credentials {
  /** The one to connect with; read anew each time. @throws SluiceError: one sentence on what is to be done. */
  current(): Promise<AgentCredential>;
  /** What is known without asking anybody. */
  readonly atHand: AgentCredential | undefined;
  /** The hub says whom to trust; undefined: what is given from outside cannot be changed. */
  trust?: (trust: Trust__Output) => void;
  stop(): Promise<void>;
}

type More = Pick<CredentialKeeperOptions, 'instanceId' | 'agentVersion' | 'clock' | 'hubNow' | 'random' | 'log'> & {
  api: KubeApi;
  onHolds: (holds: Holds) => void;
};

export function openCredentials(config: AgentConfig, { api, ...more }: More): Credentials {
  const { credential: source, serverName, plaintext, proxy, server } = config;
  if (source.kind === 'secret') {
    const secret = new CredentialSecret(api, source);
    const way = { serverName, plaintext, proxy };
    return new CredentialKeeper({ ...more, secret, joinTokenFile: source.joinTokenFile, way, server });
  }
  let atHand: AgentCredential | undefined;
  return {
    current: async () => (atHand = await readCredential(source, plaintext)),
    get atHand() {
      return atHand;
    },
    stop: () => Promise.resolve(),
  };
}
