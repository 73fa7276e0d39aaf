/** `sluice approve` and `sluice abort`: what a person says to a deployment under way. */

import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { findDeployment } from '../find-deployment.ts';

export async function approve(
  { api, out, by }: CommandContext,
  given: string,
  target: string | undefined,
): Promise<number> {
  const id = await findDeployment(api, given);
  const { approved } = await api.post<{ approved: string[] }>(`/v1/deployments/${encodeURIComponent(id)}/approve`, {
    by,
    ...(target === undefined ? {} : { target }),
  });
  if (out.json) out.value({ approved });
  else out.line(`Approved: ${approved.join(', ')}`);
  return EXIT.succeeded;
}

export async function abort({ api, out, by }: CommandContext, given: string, reason: string): Promise<number> {
  const id = await findDeployment(api, given);
  await api.post(`/v1/deployments/${encodeURIComponent(id)}/abort`, { by, reason });
  if (out.json) out.value({ aborting: id });
  else out.line(`Deployment ${id} is asked to roll back. Watch it: sluice watch ${id}`);
  return EXIT.succeeded;
}
