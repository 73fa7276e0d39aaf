/** From where a request came, as it is written down. */

import type { FastifyRequest } from 'fastify';

/** A header is as long as its sender likes. */
const LONGEST = 200;

/** The other end of the connection; where a proxy is that, also what it says it speaks for, which is not proven. */
export function addressOf(request: FastifyRequest): string {
  const address = request.ip.replace(/^::ffff:/, '');
  const forwarded = request.headers['x-forwarded-for'];
  if (forwarded === undefined) return address;
  return `${address} for ${cut(String(forwarded))}`;
}

export function userAgentOf(request: FastifyRequest): string | null {
  const agent = request.headers['user-agent'];
  return agent === undefined ? null : cut(agent);
}

/** As it can be stored: not longer than it need be, and without the one character that PostgreSQL takes in no text. */
export function cut(text: string): string {
  const storable = text.replaceAll('\0', '\uFFFD');
  return storable.length > LONGEST ? `${storable.slice(0, LONGEST)}…` : storable;
}
