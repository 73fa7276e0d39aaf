/** The join token as both sides know it: what an agent needs to enrol, in one word that a person can paste. Pure. */

import * as z from 'zod';
import { SluiceError } from '../shared/errors.ts';

export interface JoinToken {
  /** For logs; whose agent it becomes is written at the orchestrator. */
  account: string;
  /** host:port of the hub. */
  server: string;
  /** PEM, one or more: by whom the hub's certificate may be signed. Absent: an authority that the system trusts. */
  ca?: string;
  /** Counts once. */
  secret: string;
}

/** So that a scanner for leaked secrets, and a person, knows one when it sees it. */
const PREFIX = 'sluice-join-';

const schema = z.object({
  account: z.string().min(1),
  server: z.string().min(1),
  ca: z.array(z.base64()).optional(),
  secret: z.string().min(1),
});

export function encodeJoinToken({ account, server, ca, secret }: JoinToken): string {
  const authorities = ca === undefined ? undefined : derOf(ca);
  return PREFIX + Buffer.from(JSON.stringify({ account, server, ca: authorities, secret })).toString('base64url');
}

/** @throws SluiceError JOIN_TOKEN: says what is wrong with it, never what it holds. */
export function decodeJoinToken(text: string): JoinToken {
  const word = text.trim();
  if (!word.startsWith(PREFIX)) throw invalid(`it does not begin with ${PREFIX}`);
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(word.slice(PREFIX.length), 'base64url').toString('utf8'));
  } catch {
    // Not the parser's message: it quotes the text, and the text is secret.
    throw invalid('it is cut off, or was changed');
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw invalid('it is of another version of Sluice, or was changed');
  const { ca, ...rest } = parsed.data;
  return ca === undefined ? rest : { ...rest, ca: ca.map(pemOf).join('\n') };
}

const PEM = /-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g;

function derOf(pem: string): string[] {
  return [...pem.matchAll(PEM)].map(([, base64 = '']) => base64.replace(/\s/g, ''));
}

function pemOf(base64: string): string {
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----'].join('\n');
}

function invalid(why: string): SluiceError {
  const message = `The join token cannot be used: ${why}. Make a new one with: sluice agents add NAME`;
  return new SluiceError('JOIN_TOKEN', message, { disposition: 'stalled' });
}
