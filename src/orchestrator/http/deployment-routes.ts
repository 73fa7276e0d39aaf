/** Deployments: begin one, look at it, approve it, stop it. */

import type { Services } from '../orchestrator.ts';
import { insertControl } from '../store/controls.ts';
import { listDeployments, readDeployment, type DeploymentRow } from '../store/deployments.ts';
import { listEvents } from '../store/events.ts';
import { listRollouts, rolloutId, rolloutsThatWait, type RolloutRow } from '../store/rollouts.ts';
import type { Api } from './api.ts';
import { beginDeployment } from './begin-deployment.ts';
import {
  abortSchema,
  approveSchema,
  beginSchema,
  eventsSchema,
  listSchema,
  lookSchema,
  type DeploymentWithRollouts,
  type ListedDeployment,
} from './deployment-schemas.ts';
import { HttpError, noSuchDeployment } from './errors.ts';
import { asAnswered } from './rollout-answer.ts';

/** Events of one answer. */
const EVENTS = 10_000;

export function deploymentRoutes(api: Api, services: Services): void {
  const { store } = services;

  api.post('/v1/deployments', { schema: beginSchema }, async (request, reply) =>
    reply.status(202).send(await beginDeployment(services, request.body)),
  );

  api.get('/v1/deployments', { schema: listSchema }, async (request) => {
    const waiting = await rolloutsThatWait(store);
    const deployments = await listDeployments(store, request.query);
    return { deployments: deployments.map((row) => ({ ...row, waitsFor: waitsFor(row, waiting) })) };
  });

  api.get('/v1/deployments/:id', { schema: lookSchema }, async (request) =>
    shown(await found(services, request.params.id)),
  );

  api.get('/v1/deployments/:id/events', { schema: eventsSchema }, async (request) => {
    const { id } = request.params;
    await found(services, id);
    return { events: await listEvents(store, id, request.query.after, EVENTS) };
  });

  api.post('/v1/deployments/:id/approve', { schema: approveSchema }, async (request, reply) => {
    const { id } = request.params;
    const { target, by } = request.body;
    const waiting = waitingForApproval(await found(services, id), target);
    for (const rollout of waiting) {
      await insertControl(store, { deploymentId: id, rolloutId: rolloutId(id, rollout.target), kind: 'approve', by });
    }
    return reply.status(202).send({ approved: waiting.map((rollout) => rollout.target) });
  });

  api.post('/v1/deployments/:id/abort', { schema: abortSchema }, async (request, reply) => {
    const { id } = request.params;
    const { deployment } = await found(services, id);
    if (deployment.endedAt !== null) throw isOver(deployment, 'abort');
    await insertControl(store, { deploymentId: id, kind: 'abort', ...request.body });
    return reply.status(202).send({ aborting: id });
  });
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

/** What is stalled needs somebody more urgently. */
function waitsFor(
  { id, endedAt }: DeploymentRow,
  waiting: Pick<RolloutRow, 'deploymentId' | 'state'>[],
): ListedDeployment['waitsFor'] {
  const states = waiting
    .filter(({ deploymentId }) => deploymentId === id && endedAt === null)
    .map(({ state }) => state);
  if (states.includes('stalled')) return 'repair';
  return states.includes('waitingApproval') ? 'approval' : null;
}

function shown({ deployment, rollouts }: Found): DeploymentWithRollouts {
  return { ...deployment, rollouts: rollouts.map(asAnswered) };
}

/** @throws HttpError when there is none, with why. */
function waitingForApproval({ deployment, rollouts }: Found, target: string | undefined): RolloutRow[] {
  const { id } = deployment;
  if (deployment.endedAt !== null) throw isOver(deployment, 'approve');
  const asked = rollouts.filter((rollout) => target === undefined || rollout.target === target);
  if (asked.length === 0) {
    const names = rollouts.map((rollout) => rollout.target).join(', ');
    throw new HttpError(404, 'NO_SUCH_TARGET', `Deployment ${id} has no target ${target}. It has: ${names}`);
  }
  const waiting = asked.filter(({ state }) => state === 'waitingApproval');
  if (waiting.length > 0) return waiting;
  const states = asked.map((rollout) => `${rollout.target}: ${rollout.state}`).join(', ');
  throw new HttpError(409, 'NOTHING_TO_APPROVE', `Nothing of deployment ${id} waits for approval (${states}).`);
}

function isOver({ id, state, reason }: DeploymentRow, verb: string): HttpError {
  const why = reason === null || reason === '' ? '' : `: ${reason}`;
  return new HttpError(
    409,
    'DEPLOYMENT_OVER',
    `Deployment ${id} has ended (${state}${why}): there is nothing to ${verb}.`,
  );
}
