/** `sluice ca`: which certificate authorities are trusted, and the way from one to the next. */

import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { table } from '../output.ts';

interface AuthorityState {
  phase: 'settled' | 'published' | 'signing';
  authorities: { role: string; fingerprint: string; endsAt: string }[];
  waiting: { account: string; reason: string }[];
}

const ROLES: Record<string, string> = {
  active: 'signs',
  next: 'trusted, signs next',
  old: 'trusted, signs no more',
};

export async function showAuthority({ api, out }: CommandContext): Promise<number> {
  say(out, await api.get<AuthorityState>('/v1/ca'));
  return EXIT.succeeded;
}

export interface RotateFlags {
  finish?: boolean;
  force?: boolean;
}

export async function rotateAuthority({ api, out }: CommandContext, flags: RotateFlags): Promise<number> {
  const { finish = false, force = false } = flags;
  say(out, await api.post<AuthorityState>('/v1/ca/rotate', { finish, force }));
  return EXIT.succeeded;
}

function say(out: CommandContext['out'], state: AuthorityState): void {
  const { phase, authorities, waiting } = state;
  if (out.json) {
    out.value(state);
    return;
  }
  const rows = authorities.map(({ role, fingerprint, endsAt }) => [
    fingerprint.slice(0, 16),
    ROLES[role] ?? role,
    endsAt.slice(0, 10),
  ]);
  out.line(table([['AUTHORITY', 'STATE', 'ENDS'], ...rows]));
  if (phase === 'settled') return;
  out.line('');
  for (const { account, reason } of waiting) out.line(`${account} ${reason}.`);
  out.line(nextStep(phase, waiting.length));
}

function nextStep(phase: 'published' | 'signing', waiting: number): string {
  if (phase === 'published') return 'Once every agent knows the new authority, it signs by itself.';
  if (waiting > 0) return 'Once every agent has a certificate of the new authority: sluice ca rotate --finish';
  return 'Every agent has a certificate of the new authority. Drop the old one: sluice ca rotate --finish';
}
