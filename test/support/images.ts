/** The agent's image as the test cluster gets it: what the Dockerfile's has, on this machine's Node 24 and its libraries. */

import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { buildImage } from '../cluster/image.ts';
import { node, repository } from './child.ts';

/** The reference that the chart is to be given. */
export const agentImageName = { repository: 'sluice.test/agent', tag: '0.1.0' };

/** Where distroless has Node, and so where the Dockerfile's entry point looks for it. */
const nodeInImage = '/nodejs/bin/node';

/** Builds `dist/agent` anew and returns the archive of the image, for the cluster to import. */
export async function agentImage(): Promise<string> {
  execFileSync(node, ['scripts/build.ts', 'agent'], { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] });
  const binary = realpathSync(node);
  return buildImage({
    name: `${agentImageName.repository}:${agentImageName.tag}`,
    files: { [nodeInImage]: binary, '/app': join(repository, 'dist/agent'), ...librariesOf(binary) },
    entrypoint: entrypointOf('agent'),
    user: '65532:65532',
    workdir: '/app',
  });
}

/** The shared libraries that a binary needs here, by the path that the loader will look for in the image. */
function librariesOf(binary: string): Record<string, string> {
  const lines = execFileSync('ldd', [binary], { encoding: 'utf8' }).split('\n');
  const paths = lines.flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  return Object.fromEntries(paths.map((path) => [path, realpathSync(path)]));
}

/** From the Dockerfile, so that there is one truth. */
function entrypointOf(target: string): string[] {
  const text = readFileSync(join(repository, 'Dockerfile'), 'utf8');
  const stage = text.split(/^FROM /m).find((each) => each.split('\n')[0]?.endsWith(` AS ${target}`));
  const entrypoint = /^ENTRYPOINT (\[.*\])$/m.exec(stage ?? '')?.[1];
  if (entrypoint === undefined) throw new Error(`The Dockerfile has no ENTRYPOINT for ${target}.`);
  return JSON.parse(entrypoint) as string[];
}
