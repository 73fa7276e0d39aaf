/** What the demo says before it does anything: what it will do, how long that takes, what is in the cache and what is made first. Pure. */

import { cacheFolder } from '../../test/cluster/cache.ts';
import { FEW_SECONDS } from '../../test/cluster/go-build.ts';
import { INSTALL_SECONDS } from '../../test/cluster/packages.ts';
import { showSeconds } from '../../test/cluster/progress.ts';
import { programsLine } from '../../test/cluster/programs.ts';
import type { Missing } from './prepare.ts';

/** Of two processors, when nothing has to be made first. */
const RUN_SECONDS = 80;
/** A machine may take this much longer than ours to build. */
const SLOW = 1.6;

/** How long it takes to make what is missing; 0: nothing is. */
export function secondsToPrepare({ packages, programs, images }: Missing): number {
  const installing = packages.length === 0 ? 0 : INSTALL_SECONDS;
  return installing + programs.seconds + (images?.length ?? 0) * FEW_SECONDS;
}

/**
 * @param kubeconfig of the cluster that is used; undefined: one is started
 * @param cache the folder that programs are kept in
 */
export function announce(missing: Missing, kubeconfig: string | undefined, cache = cacheFolder()): string[] {
  const { packages, programs, images } = missing;
  const preparing = secondsToPrepare(missing);
  return [
    kubeconfig === undefined
      ? 'Starts a Kubernetes cluster on this machine, with a mesh, an orchestrator and an agent.'
      : `Uses the cluster of KUBECONFIG (${kubeconfig}), with an orchestrator and an agent on this machine.`,
    'Deploys v1 and sends it requests, promotes v2 after 10, 25 and 50 % of the traffic, and rolls v3 back at 25 %.',
    'Then shows what the clients and the cluster saw, and removes everything it made. Ctrl-C does that at any time.',
    `Takes about ${showSeconds(RUN_SECONDS)}${preparing === 0 ? '.' : `, and ${rangeOf(preparing)} more this first time.`}`,
    packages.length === 0
      ? 'Packages: all are installed.'
      : `Packages to install: ${packages.join(', ')} (about ${showSeconds(INSTALL_SECONDS)}).`,
    programsLine(programs, cache),
    imagesLine(images),
  ];
}

function imagesLine(images: readonly string[] | undefined): string {
  if (images === undefined) return 'Images: the cluster has to have them.';
  return images.length === 0
    ? 'Images: their programs are in the cache.'
    : `Images: ${images.length} of their programs are built first (about ${showSeconds(images.length * FEW_SECONDS)}).`;
}

/** `about 35 s`, `11 to 18 min`. */
function rangeOf(seconds: number): string {
  if (seconds < 120) return `about ${showSeconds(seconds)}`;
  return `${Math.floor(seconds / 60)} to ${Math.ceil((seconds * SLOW) / 60)} min`;
}
