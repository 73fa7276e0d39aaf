/** `sluice status`: the newest deployments, or one of them. */

import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { findDeployment } from '../find-deployment.ts';
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

interface Listed extends DeploymentSummary {
  waitsFor: 'approval' | 'repair' | null;
}

/** @param given an id, an application or the beginning of an id; the newest deployments without. */
export async function status(context: CommandContext, given: string | undefined): Promise<number> {
  await (given === undefined ? list(context) : one(context, await findDeployment(context.api, given)));
  return EXIT.succeeded;
}

async function list({ api, out, now }: CommandContext): Promise<void> {
  const { deployments } = await api.get<{ deployments: Listed[] }>('/v1/deployments');
  if (out.json) return out.value(deployments);
  if (deployments.length === 0) return out.line('No deployment yet. Begin one: sluice deploy -f FILE');
  const rows = deployments.map(({ id, application, state, waitsFor, createdAt, createdBy }) => [
    id,
    application,
    waitsFor === null ? state : { approval: 'waits for approval', repair: 'stalled' }[waitsFor],
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
  const { application, state, createdAt, createdBy, endedAt, reason, rollouts } = deployment;
  const end = endedAt === null ? '' : `, ended ${ago(endedAt, now())}`;
  out.line(`${id}  ${application}  ${state}  begun ${ago(createdAt, now())} by ${createdBy}${end}`);
  if (reason !== null && !rollouts.some((rollout) => rollout.reason === reason)) out.line(`    ${reason}`);
  for (const rollout of rollouts) for (const line of rolloutLines(rollout, Number.MAX_SAFE_INTEGER)) out.line(line);
  for (const hint of hints(id, rollouts)) out.line(hint);
}

/** What a person can do now. */
function hints(id: string, rollouts: StreamedRollout[]): string[] {
  const has = (state: string): boolean => rollouts.some((rollout) => rollout.state === state);
  return [
    ...(has('waitingApproval') ? [`Let it go on: sluice approve ${id}. Roll it back: sluice abort ${id}`] : []),
    ...(has('stalled') ? ['A person has to put right what is said above; it then goes on by itself.'] : []),
  ];
}
