/** Tokens of the API: which there are, a new one, and its end. */

import { z } from 'zod';
import type { Services } from '../orchestrator.ts';
import { listTokens } from '../store/tokens.ts';
import { answer, apiToken, refusals } from './answers.ts';
import type { Api } from './api.ts';
import { callerOf, LOCAL, OWN_TOKEN } from './caller.ts';
import { HttpError } from './errors.ts';
import { ROLES } from './permission.ts';
import type { TokenBook } from './token-book.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;
const TEN_YEARS_S = 10 * 366 * 24 * 60 * 60;

const label = z.string().min(1).max(200);

const newToken = z
  .object({
    name: z
      .string()
      .regex(NAME, 'must be 1 to 63 letters, digits, "_", "." and "-", beginning with a letter or digit')
      .refine((name) => name !== LOCAL && name !== OWN_TOKEN, `must not be ${LOCAL} or ${OWN_TOKEN}`),
    role: z.enum(ROLES).describe('Each may what those before it may.'),
    applications: z.array(label).min(1).max(100).optional().describe('Only these; all without.'),
    asRoles: z.array(label).max(100).default([]).describe('Names it carries for `requiresRoles` of a pause.'),
    expiresInSeconds: z.int().min(1).max(TEN_YEARS_S).optional().describe('Never without.'),
  })
  .refine(({ role, applications }) => role !== 'admin' || applications === undefined, {
    path: ['applications'],
    message: 'an admin is limited to none: it could make itself a token for the others',
  });

const list = {
  operationId: 'listTokens',
  summary: 'Every token, the revoked too.',
  tags: ['access'],
  response: { 200: answer('By name.', z.object({ tokens: z.array(apiToken) })), ...refusals({}) },
};

const add = {
  operationId: 'addToken',
  summary: 'A token for a person or a pipeline.',
  tags: ['access'],
  body: newToken,
  response: {
    201: answer(
      'The only time its secret is shown.',
      z.object({ token: apiToken, secret: z.string().describe('Sent as `Authorization: Bearer`.') }),
    ),
    ...refusals({ 400: ['INVALID_REQUEST'], 409: ['TOKEN_EXISTS'] }),
  },
};

const revoke = {
  operationId: 'revokeToken',
  summary: 'Ends a token, and the streams it has open.',
  tags: ['access'],
  params: z.object({ name: z.string().min(1) }),
  response: {
    204: z.undefined().describe('It no longer counts.'),
    ...refusals({ 400: ['INVALID_REQUEST'], 404: ['NO_SUCH_TOKEN'] }),
  },
};

const config = { access: 'administer' } as const;

export function tokenRoutes(api: Api, { store, clock, log }: Services, book: TokenBook): void {
  api.get('/v1/tokens', { schema: list, config }, async () => ({ tokens: await listTokens(store) }));

  api.post('/v1/tokens', { schema: add, config }, async (request, reply) => {
    const { name, role, applications = null, asRoles, expiresInSeconds } = request.body;
    const expiresAt = expiresInSeconds === undefined ? null : new Date(clock.now() + expiresInSeconds * 1_000);
    const createdBy = callerOf(request).name;
    const added = await book.add({ name, role, applications, asRoles, createdBy, expiresAt });
    if (added === undefined) {
      throw new HttpError(
        409,
        'TOKEN_EXISTS',
        `There is a token ${name} already. Choose another name, or end that one: sluice tokens revoke ${name}`,
      );
    }
    log.info({ api_token: name, role, applications, expires_at: expiresAt, by: createdBy }, 'API token added');
    return reply.status(201).send({ token: added.row, secret: added.secret });
  });

  api.delete('/v1/tokens/:name', { schema: revoke, config }, async (request, reply) => {
    const { name } = request.params;
    if (!(await book.revoke(name))) {
      const why =
        name === OWN_TOKEN
          ? `The token ${OWN_TOKEN} is a file in the data folder of the orchestrator: delete it and start the orchestrator again, then there is another.`
          : `There is no token ${name} that counts. List them with: sluice tokens`;
      throw new HttpError(404, 'NO_SUCH_TOKEN', why);
    }
    log.info({ api_token: name, by: callerOf(request).name }, 'API token revoked');
    return reply.status(204).send();
  });
}
