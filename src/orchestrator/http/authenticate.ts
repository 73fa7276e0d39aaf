/** Lets in who may ask: who it is, how often, and whether the route is for such a one. What it does it to is the route's to ask. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { LOCAL, requirePermission, type Caller } from './caller.ts';
import { HttpError } from './errors.ts';
import { CHANGES, Limiter, REQUESTS, WRONG_TOKENS } from './limits.ts';
import { addressOf } from './origin.ts';
import { isChange } from './record-changes.ts';
import type { Recognised, TokenBook } from './token-book.ts';

export interface Entrance {
  book: TokenBook;
  /** Without a token it is a program of this machine, and the admin: an API on loopback. */
  trustsLocal: boolean;
  clock: Clock;
  log: Log;
}

const LOCAL_CALLER: Caller = {
  name: LOCAL,
  role: 'admin',
  applications: null,
  asRoles: [],
  ended: new AbortController().signal,
};

export function authenticate(app: FastifyInstance, entrance: Entrance): void {
  const requests = new Limiter(REQUESTS, entrance.clock);
  const changes = new Limiter(CHANGES, entrance.clock);
  const wrongTokens = new Limiter(WRONG_TOKENS, entrance.clock);
  app.decorateRequest('caller', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    const { access } = request.routeOptions.config;
    if (access === 'open' && !request.is404) {
      if (!entrance.trustsLocal) limit(requests.take(`address ${request.ip}`), 'This address', reply);
      return done();
    }
    const caller = identify(request, reply, entrance, wrongTokens);
    // A program of this machine has other ways to load it.
    if (caller.name !== LOCAL) {
      const limiters = isChange(request) ? [requests, changes] : [requests];
      for (const each of limiters) limit(each.take(`token ${caller.name}`), `Token ${caller.name}`, reply);
    }
    request.caller = caller;
    // What declares nothing is the admin's, so that none is open because somebody forgot it.
    if (!request.is404) requirePermission(caller, access === undefined || access === 'open' ? 'administer' : access);
    done();
  });
}

function identify(request: FastifyRequest, reply: FastifyReply, entrance: Entrance, wrongTokens: Limiter): Caller {
  const { book, trustsLocal, log } = entrance;
  const given = request.headers.authorization;
  const secret = /^Bearer +(\S+)$/i.exec(given ?? '')?.[1];
  const found: Recognised = secret === undefined ? { kind: 'unknown' } : book.recognise(secret);
  if (found.kind === 'live') return found.caller;
  // Who is on this machine, and has a token of elsewhere in its environment, is still on this machine.
  if (trustsLocal && found.kind === 'unknown') return LOCAL_CALLER;
  const message = given === undefined ? MISSING : wrong(found);
  if (given !== undefined) {
    limit(wrongTokens.take(request.ip), 'This address sent wrong tokens, and', reply);
    log.warn({ peer: addressOf(request), path: request.routeOptions.url, reason: found.kind }, 'API token refused');
  }
  void reply.header('www-authenticate', 'Bearer');
  throw new HttpError(401, 'UNAUTHENTICATED', message);
}

const MISSING =
  'The API needs a token (SLUICE_TOKEN, or --token). An admin makes one: sluice tokens add NAME --role ROLE; the first one lies in api-token in the data folder of the orchestrator.';

function wrong(found: Exclude<Recognised, { kind: 'live' }>): string {
  switch (found.kind) {
    case 'unknown':
      return 'That is not a token of this API (SLUICE_TOKEN, or --token): it is another orchestrator, or the token was cut short. An admin makes a new one: sluice tokens add NAME --role ROLE';
    case 'revoked':
      return `Token ${found.name} was revoked at ${found.at.toISOString()}. An admin makes a new one: sluice tokens add NAME --role ROLE`;
    case 'expired':
      return `Token ${found.name} ended at ${found.at.toISOString()}. An admin makes a new one, after sluice tokens revoke ${found.name}: sluice tokens add ${found.name} --role ROLE`;
  }
}

/** @throws HttpError TOO_MANY_REQUESTS (429), with when to come back. */
function limit(waitMs: number, who: string, reply: FastifyReply): void {
  if (waitMs === 0) return;
  const seconds = Math.ceil(waitMs / 1_000);
  void reply.header('retry-after', String(seconds));
  throw new HttpError(429, 'TOO_MANY_REQUESTS', `${who} asks too often: try again in ${seconds} s.`);
}
