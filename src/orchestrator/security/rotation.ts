/** How far the agents are with the authority that follows: who must learn of it before it signs, who must renew before the old one goes. Pure. */

import type { AgentRow } from '../store/agents.ts';
import type { Trusted } from './authority.ts';

/** `settled`: one authority. `published`: the next is trusted by those that know it. `signing`: it signs, the old one still counts. */
type RotationPhase = 'settled' | 'published' | 'signing';

export interface Rotation {
  phase: RotationPhase;
  /** Who keeps the next phase from coming, and why. */
  waiting: { account: string; reason: string }[];
}

type Facts = Pick<
  AgentRow,
  | 'account'
  | 'revokedAt'
  | 'disconnectedAt'
  | 'certificateSerial'
  | 'certificateAuthority'
  | 'authorities'
  | 'heldSerial'
>;

/** @param signsHub the hub's certificate is signed by the authority too: agents must know the next one before it signs. */
export function assessRotation(trusted: readonly Trusted[], agents: readonly Facts[], signsHub: boolean): Rotation {
  const of = (role: Trusted['role']): string | undefined => trusted.find((each) => each.role === role)?.fingerprint;
  const [active, next, old] = [of('active'), of('next'), of('old')];
  // Who was invited and has not come holds nothing; a token is signed by nobody.
  const holders = agents.filter((agent) => agent.revokedAt === null && agent.certificateSerial !== null);
  if (next !== undefined) {
    const waiting = signsHub ? holders.filter((agent) => !agent.authorities?.includes(next)) : [];
    return { phase: 'published', waiting: waiting.map((agent) => why(agent, 'does not know the new authority yet')) };
  }
  if (old !== undefined) {
    const waiting = holders.filter(
      (agent) => agent.certificateAuthority !== active || agent.heldSerial !== agent.certificateSerial,
    );
    return { phase: 'signing', waiting: waiting.map((agent) => why(agent, 'still has a certificate of the old one')) };
  }
  return { phase: 'settled', waiting: [] };
}

function why({ account, authorities, disconnectedAt }: Facts, lack: string): Rotation['waiting'][number] {
  if (authorities === null) {
    return {
      account,
      reason: 'has a credential that it cannot change: enrol it (sluice agents add), or give it a new file',
    };
  }
  return { account, reason: disconnectedAt === null ? lack : `${lack}, and is not connected` };
}
