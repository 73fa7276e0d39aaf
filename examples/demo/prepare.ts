/** What the demo needs on this machine, which of it is missing, and how that is made. */

import { goProgram, isBuilt, programIn } from '../../test/cluster/go-build.ts';
import { ensurePackages, missingPackages, nodePackages, type PackageName } from '../../test/cluster/packages.ts';
import type { Progress } from '../../test/cluster/progress.ts';
import { nodePrograms, programPaths, unbuilt, type ProgramName } from '../../test/cluster/programs.ts';

/** What a run of the demo needs on this machine. */
export interface Needs {
  packages: readonly PackageName[];
  programs: readonly ProgramName[];
  /** Folders of the programs in the images; undefined: the cluster has the images. */
  images: readonly string[] | undefined;
}

/** What of it has to be made first. */
export interface Missing {
  packages: readonly string[];
  programs: { names: readonly string[]; seconds: number };
  images: readonly string[] | undefined;
}

/** How the demo is run. */
interface Setting {
  /** Of the cluster that is used; undefined: one is started. */
  kubeconfig: string | undefined;
  /** For that cluster: what takes the images to its nodes. */
  loadCommand: readonly string[];
  /** For that cluster: URL of its Prometheus; undefined: one is started. */
  prometheus: string | undefined;
}

/** @param imagePrograms folders of the programs in the images */
export function needsOf({ kubeconfig, loadCommand, prometheus }: Setting, imagePrograms: readonly string[]): Needs {
  const packages: PackageName[] = prometheus === undefined ? ['prometheus'] : [];
  if (kubeconfig === undefined)
    return { packages: [...nodePackages, ...packages], programs: nodePrograms, images: imagePrograms };
  return { packages, programs: ['kubectl'], images: loadCommand.length > 0 ? imagePrograms : undefined };
}

export async function readMissing({ packages, programs, images }: Needs): Promise<Missing> {
  const built = await Promise.all((images ?? []).map((folder) => isBuilt(programIn(folder))));
  return {
    packages: missingPackages(packages),
    programs: await unbuilt(programs),
    images: images?.filter((_, index) => built[index] !== true),
  };
}

/** Installs and builds what is missing. */
export async function prepare({ packages, programs, images = [] }: Needs, progress: Progress): Promise<void> {
  await ensurePackages(packages, progress);
  await programPaths(programs, progress);
  for (const folder of images) await goProgram(folder, progress);
}
