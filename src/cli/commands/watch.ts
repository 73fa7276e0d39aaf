/** `sluice watch`: follows a deployment to its end. */

import type { CommandContext } from '../context.ts';
import { findDeployment } from '../find-deployment.ts';
import { watchDeployment } from '../watch-deployment.ts';

export interface WatchFlags {
  exitWhenStalled?: boolean;
}

/** @returns the exit code of how it ended, or of why it is no longer watched. */
export async function watch(context: CommandContext, given: string, { exitWhenStalled }: WatchFlags): Promise<number> {
  return watchDeployment(context, await findDeployment(context.api, given), { exitWhenStalled });
}
