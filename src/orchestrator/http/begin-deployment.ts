/** Begins a deployment: everything that can be refused is refused before anything is stored. */

import type { z } from 'zod';
import { startDeployment } from '../engine/run/register.ts';
import { readDeploymentFile } from '../file/read-deployment-file.ts';
import type { ResolvedFile } from '../file/resolved.ts';
import type { Services } from '../orchestrator.ts';
import { listAgents } from '../store/agents.ts';
import { insertDeployment, newDeploymentId } from '../store/deployments.ts';
import type { Begun, newDeployment } from './deployment-schemas.ts';
import { HttpError } from './errors.ts';

/**
 * Reads the file, stores the deployment and starts its run.
 * @param permit throws when the application that the file names is not the caller's.
 * @throws HttpError INVALID_FILE, NO_AGENT, DEPLOYMENT_IN_PROGRESS; then nothing is stored.
 */
export async function beginDeployment(
  services: Services,
  request: z.output<typeof newDeployment>,
  permit: (application: string) => void,
): Promise<Begun> {
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
  permit(read.file.application);
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
  const begun = { id, file: read.file, startedMs: stored.deployment.createdAt.getTime() };
  // It is stored, so it will run: what cannot be started now is picked up within seconds.
  await startDeployment(services.engine, begun).catch((err: unknown) => {
    services.log.warn({ err, deployment: id }, 'deployment could not be started: it is picked up');
  });
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
