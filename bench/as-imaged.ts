/** How the agent's image runs Node, for benches that run it without the image: what is measured is what ships. */

import { join } from 'node:path';
import { repository } from '../test/support/child.ts';
import { readStage } from '../test/support/dockerfile.ts';

export interface NodeRun {
  flags: string[];
  env: Record<string, string>;
}

export function asImaged(): NodeRun {
  const { entrypoint, env } = readStage(join(repository, 'Dockerfile'), 'agent');
  return { flags: entrypoint.filter((word) => word.startsWith('--')), env };
}
