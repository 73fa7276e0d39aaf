/** Is the process alive, can it work, what is it. */

import { z } from 'zod';
import packageJson from '../../../package.json' with { type: 'json' };
import { messageOf } from '../../shared/errors.ts';
import { answer, refusals, when } from './answers.ts';
import type { Api } from './api.ts';
import { callerOf } from './caller.ts';
import { HttpError } from './errors.ts';
import { ROLES } from './permission.ts';
import type { Services } from '../orchestrator.ts';

const API_VERSION = 1;

const ok = z.object({ status: z.literal('ok') });
/** Asked without a token. */
const open = { security: [], tags: ['health'] };

const caller = z
  .object({
    name: z.string().describe('Of the token; `local` where none is asked for.'),
    role: z.enum(ROLES),
    applications: z.array(z.string()).nullable().describe('Null: all.'),
  })
  .describe('Who asks.');

export function healthRoutes(api: Api, { store, clock }: Services): void {
  api.get(
    '/livez',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'isAlive',
        summary: 'The process answers.',
        ...open,
        response: { 200: answer('It does.', ok), ...refusals({}) },
      },
    },
    () => ({ status: 'ok' as const }),
  );
  api.get(
    '/readyz',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'isReady',
        summary: 'The database answers too.',
        ...open,
        response: { 200: answer('It does.', ok), ...refusals({ 503: ['NOT_READY'] }) },
      },
    },
    async () => {
      await store.pool.query('select 1').catch((error: unknown) => {
        throw new HttpError(503, 'NOT_READY', `The database does not answer: ${messageOf(error)}`);
      });
      return { status: 'ok' as const };
    },
  );
  api.get(
    '/v1/version',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'version',
        summary: 'Versions of the API and of the orchestrator, its clock, and who asks.',
        tags: ['health'],
        response: {
          200: answer(
            '`api` rises when a client has to change.',
            z.object({
              api: z.int(),
              version: z.string().describe('Of the orchestrator.'),
              time: when.describe('By its clock.'),
              caller,
            }),
          ),
          ...refusals({}),
        },
      },
    },
    (request) => {
      const { name, role, applications } = callerOf(request);
      const time = new Date(clock.now());
      return {
        api: API_VERSION,
        version: packageJson.version,
        time,
        caller: { name, role, applications: applications && [...applications] },
      };
    },
  );
}
