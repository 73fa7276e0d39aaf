/** `sluice status`: the newest deployments, or one of them. */

import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { StreamedRollout } from '../follow.ts';
import { ago, table } from '../output.ts';
import { rolloutLines } from '../progress.ts';

interface DeploymentSummary {
  id: string;
  application: string;
  state: string;
  createdAt: string;
  createdBy: string;
  endedAt: string | null;
  reason: string | null;
}

export async function status(context: CommandContext, id: string | undefined): Promise<number> {
  await (id === undefined ? list(context) : one(context, id));
  return EXIT.succeeded;
}

async function list({ api, out, now }: CommandContext): Promise<void> {
  const { deployments } = await api.get<{ deployments: DeploymentSummary[] }>('/v1/deployments');
  if (out.json) return out.value(deployments);
  if (deployments.length === 0) return out.line('No deployment yet. Begin one: sluice deploy -f FILE');
  const rows = deployments.map(({ id, application, state, createdAt, createdBy }) => [
    id,
    application,
    state,
    ago(createdAt, now()),
    createdBy,
  ]);
  out.line(table([['ID', 'APPLICATION', 'STATE', 'BEGUN', 'BY'], ...rows]));
}

async function one({ api, out, now }: CommandContext, id: string): Promise<void> {
  const deployment = await api.get<DeploymentSummary & { rollouts: StreamedRollout[] }>(
    `/v1/deployments/${encodeURIComponent(id)}`,
  );
  if (out.json) return out.value(deployment);
  const { application, state, createdAt, createdBy, rollouts } = deployment;
  out.line(`${id}  ${application}  ${state}  begun ${ago(createdAt, now())} by ${createdBy}`);
  for (const rollout of rollouts) for (const line of rolloutLines(rollout, Number.MAX_SAFE_INTEGER)) out.line(line);
}
