/** The audit: every change that was asked for, by whom, from where, and how it ended. */

import { z } from 'zod';
import type { Services } from '../orchestrator.ts';
import { listAudit } from '../store/audit.ts';
import { answer, auditEntry, refusals } from './answers.ts';
import type { Api } from './api.ts';

const list = {
  operationId: 'listAudit',
  summary: 'Every change that was asked for, newest first.',
  tags: ['access'],
  querystring: z.object({
    since: z.iso.datetime({ offset: true }).optional().describe('Not older ones.'),
    before: z.coerce.number().int().min(1).optional().describe('Older than the entry of this `id`: to read on.'),
    limit: z.coerce.number().int().min(1).max(1_000).default(200),
  }),
  response: {
    200: answer('The newest `limit`.', z.object({ entries: z.array(auditEntry) })),
    ...refusals({ 400: ['INVALID_REQUEST'] }),
  },
};

export function auditRoutes(api: Api, { store }: Services): void {
  api.get('/v1/audit', { schema: list, config: { access: 'administer' } }, async (request) => {
    const { since, before = null, limit } = request.query;
    return { entries: await listAudit(store, { since: since === undefined ? null : new Date(since), before, limit }) };
  });
}
