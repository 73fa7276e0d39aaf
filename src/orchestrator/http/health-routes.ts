/** Is the process alive, can it work, what is it. */

import { z } from 'zod';
import packageJson from '../../../package.json' with { type: 'json' };
import { messageOf } from '../../shared/errors.ts';
import { answer, refusals } from './answers.ts';
import type { Api } from './api.ts';
import { HttpError } from './errors.ts';
import type { Services } from '../orchestrator.ts';

const API_VERSION = 1;

const ok = z.object({ status: z.literal('ok') });
/** Asked without a token. */
const open = { security: [], tags: ['health'] };

export function healthRoutes(api: Api, { store }: Services): void {
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
        summary: 'Versions of the API and of the orchestrator.',
        tags: ['health'],
        response: {
          200: answer(
            '`api` rises when a client has to change.',
            z.object({ api: z.int(), version: z.string().describe('Of the orchestrator.') }),
          ),
          ...refusals({}),
        },
      },
    },
    () => ({ api: API_VERSION, version: packageJson.version }),
  );
}
