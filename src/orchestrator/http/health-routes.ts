/** Is the process alive, can it work, what is it. */

import type { Api } from './api.ts';
import type { Services } from '../orchestrator.ts';

const API_VERSION = 1;

export function healthRoutes(api: Api, { store }: Services): void {
  api.get('/livez', { schema: { summary: 'The process answers.' } }, () => ({ status: 'ok' }));
  api.get('/readyz', { schema: { summary: 'The database answers too.' } }, async () => {
    await store.pool.query('select 1');
    return { status: 'ok' };
  });
  api.get('/v1/version', { schema: { summary: 'Version of the API.' } }, () => ({ api: API_VERSION }));
}
