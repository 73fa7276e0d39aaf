/** The certificate authority: which are trusted, and how far the agents are with the one that follows. */

import { z } from 'zod';
import type { Services } from '../orchestrator.ts';
import { answer, refusals, when } from './answers.ts';
import type { Api } from './api.ts';

const state = z
  .object({
    phase: z
      .enum(['settled', 'published', 'signing'])
      .describe('`published`: agents learn of the next one. `signing`: it signs, and the old one still counts.'),
    authorities: z.array(
      z.object({
        role: z.enum(['active', 'next', 'old']).describe('`active` signs.'),
        fingerprint: z.string().describe('SHA-256 of its certificate, hexadecimal.'),
        endsAt: when,
      }),
    ),
    waiting: z
      .array(z.object({ account: z.string(), reason: z.string() }))
      .describe('Agents that keep the next phase from coming.'),
  })
  .meta({ id: 'AuthorityState', description: 'At rest there is one authority, and nobody waits.' });

const show = {
  operationId: 'showAuthority',
  summary: 'The certificate authorities that are trusted, and who waits.',
  tags: ['agents'],
  response: { 200: answer('As it is now.', state), ...refusals({}) },
};

const rotate = {
  operationId: 'rotateAuthority',
  summary: 'Puts another certificate authority in the place of the one that signs; finishes it, when asked to.',
  tags: ['agents'],
  body: z.object({
    finish: z.boolean().default(false).describe('Drops the old authority.'),
    force: z.boolean().default(false).describe('Though agents still need it: they have to be enrolled anew.'),
  }),
  response: {
    200: answer('As it is then.', state),
    ...refusals({ 400: ['INVALID_REQUEST'], 409: ['CA_ROTATION_WAITS', 'NO_CA_ROTATION'] }),
  },
};

export function caRoutes(api: Api, { office }: Services): void {
  api.get('/v1/ca', { schema: show, config: { access: 'administer' } }, async () => {
    const { authorities, ...rest } = await office.authorityState();
    return { ...rest, authorities: [...authorities] };
  });

  api.post('/v1/ca/rotate', { schema: rotate, config: { access: 'administer' } }, async (request) => {
    const { finish, force } = request.body;
    const { authorities, ...rest } = finish ? await office.finishRotation(force) : await office.rotateAuthority();
    return { ...rest, authorities: [...authorities] };
  });
}
