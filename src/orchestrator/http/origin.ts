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

export function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
