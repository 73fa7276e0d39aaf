/** Is the process alive, can it work, what is it. */

import { messageOf } from '../../shared/errors.ts';
import type { Api } from './api.ts';
import { HttpError } from './errors.ts';
import type { Services } from '../orchestrator.ts';

const API_VERSION = 1;

export function healthRoutes(api: Api, { store }: Services): void {
  api.get('/livez', { schema: { summary: 'The process answers.' } }, () => ({ status: 'ok' }));
  api.get('/readyz', { schema: { summary: 'The database answers too.' } }, async () => {
    await store.pool.query('select 1').catch((error: unknown) => {
      throw new HttpError(503, 'NOT_READY', `The database does not answer: ${messageOf(error)}`);
    });
    return { status: 'ok' };
  });
  api.get('/v1/version', { schema: { summary: 'Version of the API.' } }, () => ({ api: API_VERSION }));
}
