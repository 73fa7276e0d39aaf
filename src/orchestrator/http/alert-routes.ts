/** Alerts: what a person should look at though no run depends on it. */

import { z } from 'zod';
import type { Services } from '../orchestrator.ts';
import { openAlerts } from '../store/alerts.ts';
import { alert, answer, refusals } from './answers.ts';
import type { Api } from './api.ts';

const list = {
  operationId: 'listAlerts',
  summary: 'Every open alert: seen in the last 24 hours, of a credential that still counts.',
  tags: ['agents'],
  response: { 200: answer('Newest first.', z.object({ alerts: z.array(alert) })), ...refusals({}) },
};

export function alertRoutes(api: Api, { store }: Services): void {
  api.get('/v1/alerts', { schema: list, config: { access: 'read' } }, async () => ({
    alerts: await openAlerts(store),
  }));
}
