/** Deployments: begin one, look at it, approve it, stop it. */

import type { FastifyRequest } from 'fastify';
import type { Services } from '../orchestrator.ts';
import { insertApproval, insertControl } from '../store/controls.ts';
import { listDeployments, type DeploymentRow, type FullDeploymentRow } from '../store/deployments.ts';
import { listEvents } from '../store/events.ts';
import { listRollouts, rolloutId, rolloutsThatWait, type RolloutRow } from '../store/rollouts.ts';
import type { Api } from './api.ts';
import { beginDeployment } from './begin-deployment.ts';
import { callerOf, requirePermission, signed, type Caller } from './caller.ts';
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
import { HttpError } from './errors.ts';
import { carriesRole, type Action } from './permission.ts';
import { permittedDeployment } from './permitted-deployment.ts';
import { changes } from './record-changes.ts';
import { requiredRoles } from './required-roles.ts';
import { asAnswered } from './rollout-answer.ts';

/** Events of one answer. */
const EVENTS = 10_000;

export function deploymentRoutes(api: Api, services: Services): void {
  const { store } = services;
  const reads = { access: 'read' } as const;
  const deploys = { access: 'deploy' } as const;

  api.post('/v1/deployments', { schema: beginSchema, config: deploys }, async (request, reply) => {
    const caller = callerOf(request);
    const by = signed(caller, request.body.by);
    const begun = await beginDeployment(services, { ...request.body, by }, (application) => {
      changes(request, { application });
      requirePermission(caller, 'deploy', application);
    });
    changes(request, { object: begun.id });
    return reply.status(202).send(begun);
  });

  api.get('/v1/deployments', { schema: listSchema, config: reads }, async (request) => {
    const scope = callerOf(request).applications;
    const waiting = await rolloutsThatWait(store);
    const deployments = await listDeployments(store, { ...request.query, scope });
    return { deployments: deployments.map((row) => ({ ...row, waitsFor: waitsFor(row, waiting) })) };
  });

  api.get('/v1/deployments/:id', { schema: lookSchema, config: reads }, async (request) =>
    shown(await found(services, request, 'read')),
  );

  api.get('/v1/deployments/:id/events', { schema: eventsSchema, config: reads }, async (request) => {
    await found(services, request, 'read');
    return { events: await listEvents(store, request.params.id, request.query.after, EVENTS) };
  });

  api.post(
    '/v1/deployments/:id/approve',
    { schema: approveSchema, config: { access: 'approve' } },
    async (request, reply) => {
      const { target, by } = request.body;
      const { deployment, rollouts } = await found(services, request, 'approve');
      const caller = callerOf(request);
      const waiting = waitingForApproval({ deployment, rollouts }, target);
      for (const rollout of waiting) requireRoles(caller, deployment, rollout);
      const approved = await approveEach(services, waiting, signed(caller, by));
      if (approved.length === 0) throw nothingWaits(deployment.id, waiting);
      return reply.status(202).send({ approved });
    },
  );

  api.post('/v1/deployments/:id/abort', { schema: abortSchema, config: deploys }, async (request, reply) => {
    const { deployment } = await found(services, request, 'deploy');
    const { id } = deployment;
    if (deployment.endedAt !== null) throw isOver(deployment, 'abort');
    const { reason, by } = request.body;
    await insertControl(store, { deploymentId: id, kind: 'abort', reason, by: signed(callerOf(request), by) });
    return reply.status(202).send({ aborting: id });
  });
}

interface Found {
  deployment: FullDeploymentRow;
  rollouts: RolloutRow[];
}

/** What the path names, for who may do this to it. @throws HttpError NO_SUCH_DEPLOYMENT, NOT_PERMITTED. */
async function found(
  { store }: Services,
  request: FastifyRequest<{ Params: { id: string } }>,
  action: Action,
): Promise<Found> {
  const { id } = request.params;
  const deployment = await permittedDeployment(store, request, id, action);
  return { deployment, rollouts: await listRollouts(store, id) };
}

/** @throws HttpError ROLE_REQUIRED when it waits for somebody with a role that the caller does not carry. */
function requireRoles({ name, role, asRoles }: Caller, { file }: FullDeploymentRow, rollout: RolloutRow): void {
  const required = requiredRoles(file, rollout);
  if (carriesRole(role, asRoles, required)) return;
  const carried = [role, ...asRoles].join(', ');
  throw new HttpError(
    403,
    'ROLE_REQUIRED',
    `Target ${rollout.target} waits for approval by one of ${required.join(', ')} (requiresRoles), and token ${name} carries ${carried}. An admin makes one: sluice tokens add NAME --role approver --as-role ${required[0]}`,
  );
}

/** Names of those that still waited when it was written. */
async function approveEach({ store }: Services, waiting: RolloutRow[], by: string): Promise<string[]> {
  const approved: string[] = [];
  for (const { deploymentId, target, step } of waiting) {
    const approval = { deploymentId, rolloutId: rolloutId(deploymentId, target), by, step };
    if (await insertApproval(store, approval)) approved.push(target);
  }
  return approved;
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
  throw nothingWaits(id, asked);
}

function nothingWaits(id: string, asked: RolloutRow[]): HttpError {
  const states = asked.map((rollout) => `${rollout.target}: ${rollout.state}`).join(', ');
  return new HttpError(409, 'NOTHING_TO_APPROVE', `Nothing of deployment ${id} waits for approval (${states}).`);
}

function isOver({ id, state, reason }: DeploymentRow, verb: string): HttpError {
  const why = reason === null || reason === '' ? '' : `: ${reason}`;
  return new HttpError(
    409,
    'DEPLOYMENT_OVER',
    `Deployment ${id} has ended (${state}${why}): there is nothing to ${verb}.`,
  );
}
