/**
 * Our images as the test cluster gets them: what the Dockerfile's have, on this machine's Node 24 and its libraries.
 * There is less beside it than in distroless, no /etc/passwd either: its user is a number, as where a platform chooses one.
 */

import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildImage } from '../cluster/image.ts';
import { node, repository } from './child.ts';
import { readStage } from './dockerfile.ts';

type Target = 'agent' | 'orchestrator';

/** What the charts are to be given. */
export const agentImageName = { repository: 'sluice.test/agent', tag: '0.1.0' };
export const orchestratorImageName = { repository: 'sluice.test/orchestrator', tag: '0.1.0' };

/** Where distroless has Node, and so where the Dockerfile's entry point looks for it. */
const nodeInImage = '/nodejs/bin/node';

/** Builds `dist/agent` anew and returns the archive of the image, for the cluster to import. */
export function agentImage(): Promise<string> {
  return imageOf('agent', agentImageName);
}

/** The same of `dist/orchestrator`. */
export function orchestratorImage(): Promise<string> {
  return imageOf('orchestrator', orchestratorImageName);
}

async function imageOf(
  target: Target,
  { repository: path, tag }: { repository: string; tag: string },
): Promise<string> {
  execFileSync(node, ['scripts/build.ts', target], { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] });
  const binary = realpathSync(node);
  const stage = readStage(join(repository, 'Dockerfile'), target);
  return buildImage({
    name: `${path}:${tag}`,
    files: {
      [nodeInImage]: binary,
      [stage.workdir]: join(repository, 'dist', target),
      ...librariesOf(binary),
    },
    ...stage,
  });
}

/**
 * The shared libraries that a binary needs here, by the path that the loader will look for in the image.
 * Of glibc's own, distroless has those too that Node does not need; of others it has no more than these.
 */
function librariesOf(binary: string): Record<string, string> {
  const lines = execFileSync('ldd', [binary], { encoding: 'utf8' }).split('\n');
  const paths = lines.flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  const glibc = paths.filter((path) => path.endsWith('/libc.so.6')).map((path) => join(dirname(path), 'librt.so.1'));
  return Object.fromEntries([...paths, ...glibc].map((path) => [path, realpathSync(path)]));
}
