/** What the demo says before it does anything: what it will do, how long it takes, what is there already. Pure but for the reading of caches. */

import { cacheFolder } from '../../test/cluster/cache.ts';
import { isBuilt, programIn } from '../../test/cluster/go-build.ts';
import { imageFolder } from '../../test/cluster/mesh/controller-process.ts';
import { missingPackages, nodePackages } from '../../test/cluster/packages.ts';
import { showSeconds } from '../../test/cluster/progress.ts';
import { nodePrograms, unbuilt } from '../../test/cluster/programs.ts';
import { testFolder } from './images.ts';

/** Of two cores, when everything is there. */
const RUN_SECONDS = 75;
const INSTALL_SECONDS = 30;

/** What has to be made before the demo can begin. */
export interface Missing {
  packages: readonly string[];
  /** Of the cluster, built from source. */
  programs: { names: readonly string[]; seconds: number };
  /** Small programs of the demo and its mesh. */
  small: readonly string[];
}

export async function readMissing(): Promise<Missing> {
  const folders = [...(['app', 'mesh', 'load'] as const).map(imageFolder), testFolder];
  const built = await Promise.all(folders.map((folder) => isBuilt(programIn(folder))));
  return {
    packages: missingPackages([...nodePackages, 'prometheus']),
    programs: await unbuilt(nodePrograms),
    small: folders.filter((_, index) => built[index] !== true),
  };
}

/**
 * @param missing undefined: a cluster that is there is used.
 * @param cache the folder that programs are kept in.
 */
export function announce(missing: Missing | undefined, cache = cacheFolder()): string[] {
  const what = [
    'Deploys v1 under load, takes v2 through 10, 25 and 50 % to its promotion, and lets v3 fail at 25 % and roll back. Then it',
    'shows what the clients and the cluster saw, and removes everything it made. Ctrl-C ends and removes it, too.',
  ];
  if (missing === undefined) return [...what, `Takes about ${showSeconds(RUN_SECONDS)}.`];
  const { packages, programs, small } = missing;
  const installing = packages.length === 0 ? 0 : INSTALL_SECONDS;
  const preparing = installing + programs.seconds + small.length * 3;
  return [
    'Starts a Kubernetes cluster of its own with a mesh, an orchestrator and an agent.',
    ...what,
    preparing === 0
      ? `Takes about ${showSeconds(RUN_SECONDS)}.`
      : `Takes about ${showSeconds(RUN_SECONDS)}, this first time ${showSeconds(preparing)} more.`,
    packages.length === 0
      ? 'Packages: all are installed.'
      : `Packages to install: ${packages.join(' ')} (about ${showSeconds(INSTALL_SECONDS)}).`,
    programs.names.length === 0
      ? `Cluster programs: all are in the cache, ${cache}.`
      : `Cluster programs to build, once: ${programs.names.join(', ')} (about ${showSeconds(programs.seconds)}).`,
    small.length === 0
      ? 'Images: from the cache.'
      : `Images: their programs are built first (about ${showSeconds(small.length * 3)}).`,
  ];
}
