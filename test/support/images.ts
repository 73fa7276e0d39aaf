/**
 * Our images as the test cluster gets them: what the Dockerfile's have, on this machine's Node 24 and its libraries.
 * There is less beside it than in distroless, no /etc/passwd either: its user is a number, as where a platform chooses one.
 */

import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, folderChecksum, madeOnce, removeUnused } from '../cluster/cache.ts';
import { buildImage } from '../cluster/image.ts';
import { node, repository } from './child.ts';
import { readStage } from './dockerfile.ts';

type Target = 'agent' | 'orchestrator';

interface ImageName {
  repository: string;
  tag: string;
}

/** What the charts are to be given. */
export const agentImageName = { repository: 'sluice.test/agent', tag: '0.1.0' };
export const orchestratorImageName = { repository: 'sluice.test/orchestrator', tag: '0.1.0' };

/** Where distroless has Node, and so where the Dockerfile's entry point looks for it. */
const nodeInImage = '/nodejs/bin/node';

/** The archive of the agent's image, of the sources as they are, for the cluster to import. */
export function agentImage(): Promise<string> {
  return imageOf('agent', agentImageName);
}

/** The same of the orchestrator's. */
export function orchestratorImage(): Promise<string> {
  return imageOf('orchestrator', orchestratorImageName);
}

/** What else decides what a bundle holds. */
const BUILT_BY = [
  'scripts/build.ts',
  'scripts/copy-packages.ts',
  'scripts/prepare-postgres.ts',
  'package.json',
  'package-lock.json',
  'LICENSE',
];

/** Builds what `npm run build` puts into `dist/PART`, once for each state of the sources. @returns its folder. */
export async function bundle(part: Target): Promise<string> {
  const folders = ['src', 'proto'].map((name) => folderChecksum(join(repository, name), () => true));
  const files = BUILT_BY.map((name) => readFile(join(repository, name)));
  const hash = createHash('sha256');
  for (const each of [...(await Promise.all(folders)), ...(await Promise.all(files))]) hash.update(each);
  const key = hash.digest('hex').slice(0, 16);
  const bundles = join(cacheFolder(), 'bundles');
  const folder = await madeOnce(join(bundles, `${part}-${key}`), async (path) => {
    await promisify(execFile)(node, ['scripts/build.ts', part, '--out', path], { cwd: repository });
    await removeUnused(bundles, 24);
  });
  return join(folder, part);
}

const archives = new Map<Target, Promise<string>>();

function imageOf(target: Target, name: ImageName): Promise<string> {
  const begun = archives.get(target) ?? archiveOf(target, name);
  archives.set(target, begun);
  return begun;
}

async function archiveOf(target: Target, { repository: path, tag }: ImageName): Promise<string> {
  const binary = realpathSync(node);
  const stage = readStage(join(repository, 'Dockerfile'), target);
  return buildImage({
    name: `${path}:${tag}`,
    files: {
      [nodeInImage]: binary,
      [stage.workdir]: await bundle(target),
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
