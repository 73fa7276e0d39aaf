/** `sluice tokens`: who may use the API, a new one, and its end. */

import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { ago, table } from '../output.ts';
import { readSpan } from '../time-span.ts';

interface Token {
  name: string;
  role: string;
  applications: string[] | null;
  asRoles: string[];
  createdAt: string;
  createdBy: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
  revokedAt: string | null;
}

export interface NewTokenOptions {
  role: string;
  application?: string[];
  asRole?: string[];
  expires?: string;
}

export async function listTokens({ api, out, now }: CommandContext): Promise<number> {
  const { tokens } = await api.get<{ tokens: Token[] }>('/v1/tokens');
  if (out.json) out.value(tokens);
  else if (tokens.length === 0) out.line('No token yet. Make one: sluice tokens add NAME --role ROLE');
  else {
    const head = ['NAME', 'ROLE', 'APPLICATIONS', 'MADE', 'LAST USED', 'ENDS'];
    out.line(table([head, ...tokens.map((token) => row(token, now()))]));
  }
  return EXIT.succeeded;
}

function row({ name, role, applications, asRoles, ...token }: Token, nowMs: number): string[] {
  return [
    name,
    [role, ...asRoles.map((label) => `as ${label}`)].join(', '),
    applications?.join(', ') ?? 'all',
    `${ago(token.createdAt, nowMs)} by ${token.createdBy}`,
    ago(token.lastUsedAt, nowMs),
    endOf(token, nowMs),
  ];
}

function endOf({ revokedAt, expiresAt }: Pick<Token, 'revokedAt' | 'expiresAt'>, nowMs: number): string {
  if (revokedAt !== null) return `revoked ${ago(revokedAt, nowMs)}`;
  if (expiresAt === null) return 'never';
  return Date.parse(expiresAt) <= nowMs ? `ended ${ago(expiresAt, nowMs)}` : expiresAt.slice(0, 16).replace('T', ' ');
}

/** The secret alone goes to standard output, so that a script can keep it; what is said about it goes beside. */
export async function addToken({ api, out }: CommandContext, name: string, options: NewTokenOptions): Promise<number> {
  const { role, application, asRole, expires } = options;
  const { token, secret } = await api.post<{ token: Token; secret: string }>('/v1/tokens', {
    name,
    role,
    ...(application === undefined ? {} : { applications: application }),
    ...(asRole === undefined ? {} : { asRoles: asRole }),
    ...(expires === undefined ? {} : { expiresInSeconds: readSpan('--expires', expires) / 1_000 }),
  });
  if (out.json) out.value({ token, secret });
  else {
    const end = token.expiresAt === null ? 'does not end' : `ends at ${token.expiresAt}`;
    out.note(`Token ${name} (${role}) ${end}. It is shown this once; give it as SLUICE_TOKEN, or to --token:`);
    out.line(secret);
  }
  return EXIT.succeeded;
}

export async function revokeToken({ api, out }: CommandContext, name: string): Promise<number> {
  await api.remove(`/v1/tokens/${encodeURIComponent(name)}`);
  if (out.json) out.value({ revoked: name });
  else out.line(`Token ${name} no longer counts; streams it had open have ended.`);
  return EXIT.succeeded;
}
