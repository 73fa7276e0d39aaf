/** A deployment, for who may do what is asked to it. */

import type { FastifyRequest } from 'fastify';
import { readDeployment, type FullDeploymentRow } from '../store/deployments.ts';
import type { Store } from '../store/store.ts';
import { callerOf, requirePermission } from './caller.ts';
import { noSuchDeployment } from './errors.ts';
import type { Action } from './permission.ts';
import { changes } from './record-changes.ts';

/** @throws HttpError NO_SUCH_DEPLOYMENT (404), NOT_PERMITTED (403). */
export async function permittedDeployment(
  store: Store,
  request: FastifyRequest,
  id: string,
  action: Action,
): Promise<FullDeploymentRow> {
  const deployment = await readDeployment(store, id);
  if (deployment === undefined) throw noSuchDeployment(id);
  changes(request, { application: deployment.application });
  requirePermission(callerOf(request), action, deployment.application);
  return deployment;
}
