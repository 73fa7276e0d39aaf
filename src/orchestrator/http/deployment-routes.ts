/** Deployments: begin one, look at it, approve it, stop it. */

import { z } from 'zod';
import { startDeployment } from '../engine/run/register.ts';
import { readDeploymentFile } from '../file/read-deployment-file.ts';
import type { ResolvedFile } from '../file/resolved.ts';
import type { Services } from '../orchestrator.ts';
import { listAgents } from '../store/agents.ts';
import { insertControl } from '../store/controls.ts';
import {
  insertDeployment,
  listDeployments,
  newDeploymentId,
  readDeployment,
  type DeploymentRow,
} from '../store/deployments.ts';
import { listEvents } from '../store/events.ts';
import { listRollouts, rolloutId, type RolloutRow } from '../store/rollouts.ts';
import type { Api } from './api.ts';
import { HttpError, noSuchDeployment } from './errors.ts';

const newDeployment = z.object({
  file: z.object({ name: z.string().describe('For messages.'), text: z.string().describe('YAML.') }),
  files: z.record(z.string(), z.string()).default({}).describe('Manifests, by path from the folder of the file.'),
  context: z.record(z.string(), z.string()).optional().describe('Goes over the context of the file.'),
  application: z.string().optional().describe('Goes over the application of the file.'),
  by: z.string().default('api'),
});

const byId = z.object({ id: z.string() });
const OVER = new Set(['succeeded', 'rolledBack', 'aborted', 'failed', 'skipped']);

export function deploymentRoutes(api: Api, services: Services): void {
  const { store } = services;

  api.post(
    '/v1/deployments',
    { schema: { summary: 'Begins a deployment.', body: newDeployment } },
    async (request, reply) => reply.status(202).send(await begin(services, request.body)),
  );

  api.get(
    '/v1/deployments',
    {
      schema: {
        summary: 'Newest first.',
        querystring: z.object({
          application: z.string().optional(),
          limit: z.coerce.number().int().min(1).max(1_000).default(50),
        }),
      },
    },
    async (request) => ({ deployments: await listDeployments(store, request.query) }),
  );

  api.get('/v1/deployments/:id', { schema: { summary: 'One, with its rollouts.', params: byId } }, async (request) =>
    shown(await found(services, request.params.id)),
  );

  api.get(
    '/v1/deployments/:id/events',
    {
      schema: {
        summary: 'What happened, oldest first.',
        params: byId,
        querystring: z.object({ after: z.coerce.number().int().min(0).default(0) }),
      },
    },
    async (request) => {
      const { id } = request.params;
      await found(services, id);
      return { events: await listEvents(store, id, request.query.after, 10_000) };
    },
  );

  api.post(
    '/v1/deployments/:id/approve',
    {
      schema: {
        summary: 'Lets what waits for a person go on.',
        params: byId,
        body: z.object({ target: z.string().optional(), by: z.string().default('api') }).default({ by: 'api' }),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { target, by } = request.body;
      const { rollouts } = await found(services, id);
      const waiting = rollouts
        .filter(({ state }) => state === 'waitingApproval')
        .filter((rollout) => target === undefined || rollout.target === target);
      if (waiting.length === 0) throw new HttpError(409, 'NOTHING_TO_APPROVE', nothingToApprove(id, target, rollouts));
      for (const rollout of waiting) {
        await insertControl(store, { deploymentId: id, rolloutId: rolloutId(id, rollout.target), kind: 'approve', by });
      }
      return reply.status(202).send({ approved: waiting.map((rollout) => rollout.target) });
    },
  );

  api.post(
    '/v1/deployments/:id/abort',
    {
      schema: {
        summary: 'Asks for a rollback.',
        params: byId,
        body: z
          .object({ reason: z.string().default(''), by: z.string().default('api') })
          .default({ reason: '', by: 'api' }),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { deployment } = await found(services, id);
      if (OVER.has(deployment.state)) {
        throw new HttpError(
          409,
          'DEPLOYMENT_OVER',
          `Deployment ${id} has ended (${deployment.state}): there is nothing to abort.`,
        );
      }
      await insertControl(store, { deploymentId: id, kind: 'abort', ...request.body });
      return reply.status(202).send({ aborting: id });
    },
  );
}

interface Found {
  deployment: DeploymentRow;
  rollouts: RolloutRow[];
}

async function found({ store }: Services, id: string): Promise<Found> {
  const deployment = await readDeployment(store, id);
  if (deployment === undefined) throw noSuchDeployment(id);
  return { deployment, rollouts: await listRollouts(store, id) };
}

/** Without the file and its source, which may be large. */
function shown({ deployment, rollouts }: Found): unknown {
  const { id, application, state, createdAt, createdBy, startedAt, endedAt, reason } = deployment;
  return { id, application, state, createdAt, createdBy, startedAt, endedAt, reason, rollouts };
}

function nothingToApprove(id: string, target: string | undefined, rollouts: RolloutRow[]): string {
  const states = rollouts.map((rollout) => `${rollout.target}: ${rollout.state}`).join(', ');
  return `Nothing of deployment ${id}${target === undefined ? '' : `, target ${target},`} waits for approval (${states}).`;
}

async function begin(services: Services, request: z.infer<typeof newDeployment>): Promise<unknown> {
  const { file, files, context, application, by } = request;
  const read = readDeploymentFile(file.text, file.name, files, { context, application });
  if (!read.ok) {
    throw new HttpError(
      400,
      'INVALID_FILE',
      `${file.name} has ${read.problems.length} problem${read.problems.length === 1 ? '' : 's'}.`,
      read.problems,
    );
  }
  await requireAgents(services, read.file);
  const id = newDeploymentId(services.clock.now());
  const stored = await insertDeployment(services.store, {
    id,
    application: read.file.application,
    file: read.file,
    source: file.text,
    createdBy: by,
    rollouts: read.file.targets.map(({ name, account, namespace, strategy }) => ({
      target: name,
      account,
      namespace,
      steps: strategy?.steps.length ?? 0,
    })),
  });
  if (!stored.inserted) {
    const { active } = stored;
    throw new HttpError(
      409,
      'DEPLOYMENT_IN_PROGRESS',
      `Application ${active.application} has a deployment under way: ${active.id} (${active.state}). Wait for it, or abort it: sluice abort ${active.id}`,
    );
  }
  await startDeployment(services.engine, { id, file: read.file, startedMs: stored.deployment.createdAt.getTime() });
  return { id, application: read.file.application, warnings: read.warnings };
}

/** Every account's agent must be there now: nothing is stored for a cluster that nobody can reach. */
async function requireAgents({ store, hub }: Services, file: ResolvedFile): Promise<void> {
  const missing = [...new Set(file.targets.map(({ account }) => account))].filter(
    (account) => !hub.isConnected(account),
  );
  if (missing.length === 0) return;
  const agents = await listAgents(store);
  const known =
    agents.map(({ account }) => `${account}${hub.isConnected(account) ? '' : ' (disconnected)'}`).join(', ') || 'none';
  throw new HttpError(
    422,
    'NO_AGENT',
    `No agent is connected for account ${missing.join(', ')} (agents: ${known}). Install one with the credential of: sluice agents add ${missing[0]}`,
  );
}
