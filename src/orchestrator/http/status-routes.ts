/** What the orchestrator says of itself: to Prometheus as metrics, to people and programs as one answer. */

import { z } from 'zod';
import { METRICS_TYPE } from '../../shared/metrics.ts';
import { sharedLook } from '../metrics/shared-look.ts';
import type { Services } from '../orchestrator.ts';
import { answer, refusals } from './answers.ts';
import type { Api } from './api.ts';

const counts = z.record(z.string(), z.int());

const statusAnswer = z
  .object({
    version: z.string(),
    startedAt: z.date().describe('Of this process.'),
    database: z.object({
      answers: z.boolean().describe('Whether it answered within 2 s; what is counted in it is empty else.'),
      latencyMs: z.number(),
      bytes: z.number().describe('Its size on disk.'),
    }),
    deployments: counts.describe('Those that are not over, by state.'),
    rollouts: counts.describe('Their targets that are not over, by state.'),
    openOperations: z.int().describe('Asked of agents, without a result.'),
    agents: counts.describe('By state: connected, disconnected, waiting (never here), revoked.'),
    outbox: z.int().describe('Messages that agents have not taken yet.'),
    alerts: counts.describe('Open ones, by kind: GET /v1/alerts.'),
    certificates: z
      .record(z.string(), z.date())
      .describe('When each ends: the authority, the one that agents see, and the one of the API if it has one.'),
  })
  .meta({ id: 'Status', description: 'What the orchestrator is and has to do.' });

/** A scraper comes every few seconds; who asks more often gets what it got. */
const SHARED_MS = 1_000;

export function statusRoutes(
  api: Api,
  { metrics, now: look, clock }: Pick<Services, 'metrics' | 'now' | 'clock'>,
): void {
  const now = sharedLook(look, clock, SHARED_MS);
  api.get(
    '/metrics',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'metrics',
        summary: "Metrics in Prometheus' text format: docs/metrics.md.",
        security: [],
        tags: ['health'],
        response: {
          200: { description: 'As they are now.', content: { 'text/plain': { schema: z.string() } } },
          ...refusals({}),
        },
      },
    },
    async (_request, reply) => reply.type(METRICS_TYPE).send(await metrics.expose(await now())),
  );
  api.get(
    '/status',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'status',
        summary: 'What is under way, and how the orchestrator is.',
        tags: ['health'],
        response: { 200: answer('As it is now.', statusAnswer), ...refusals({}) },
      },
    },
    async () => {
      const { version, nowMs, database, agents, outbox, certificates } = await now();
      const { census, latencyMs } = database;
      const states = Object.groupBy(agents, ({ state }) => state);
      return {
        version,
        startedAt: new Date(nowMs - process.uptime() * 1000),
        database: { answers: census !== undefined, latencyMs, bytes: census?.databaseBytes ?? 0 },
        deployments: census?.deployments ?? {},
        rollouts: census?.rollouts ?? {},
        openOperations: census?.operations ?? 0,
        agents: Object.fromEntries(Object.entries(states).map(([state, some]) => [state, some.length])),
        outbox,
        alerts: census?.alerts ?? {},
        certificates: Object.fromEntries(Object.entries(certificates).map(([name, ms]) => [name, new Date(ms)])),
      };
    },
  );
}
