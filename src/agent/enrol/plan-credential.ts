/** Which credential an agent takes: of its Secret, of its memory, or a new one. Pure. */

import type { KeptCredential } from './credential-secret.ts';

export interface Known {
  /** In the Secret. */
  stored: KeptCredential | undefined;
  /** What it has used since its start. */
  memory: KeptCredential | undefined;
  /** Of the join token that it was given, if one was. */
  tokenId: string | undefined;
  /** Of the one that the orchestrator has refused since its start. */
  refusedTokenId: string | undefined;
}

/**
 * `use`: as it is stored. `restore`: the Secret is gone or emptied, and what is in memory is written again. `enrol`: a person
 * gave a token that was not used yet, which says that they want a new credential, whatever there is. `none`: there is nothing.
 */
export type CredentialPlan =
  | { kind: 'use'; credential: KeptCredential }
  | { kind: 'restore'; credential: KeptCredential }
  | { kind: 'enrol'; otherwise: KeptCredential | undefined }
  | { kind: 'none' };

export function planCredential({ stored, memory, tokenId, refusedTokenId }: Known): CredentialPlan {
  const known = stored ?? memory;
  const isNewToken = tokenId !== undefined && tokenId !== known?.enrolledWith && tokenId !== refusedTokenId;
  if (isNewToken) return { kind: 'enrol', otherwise: known };
  if (stored) return { kind: 'use', credential: stored };
  if (memory) return { kind: 'restore', credential: memory };
  // Refused before, and nothing else to go on with: what a person changed at the orchestrator may let it pass now.
  return tokenId === undefined ? { kind: 'none' } : { kind: 'enrol', otherwise: undefined };
}
