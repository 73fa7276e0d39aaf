/** The manifests and Jobs that a deployment file names or holds, as objects with the place where each is written. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import { manifestFiles } from './manifest-files.ts';
import { readManifest, type ManifestOrigin, type ReadManifest, type WrittenObject } from './manifests.ts';
import { below, UNKNOWN, type FileProblem, type Path, type PathProblem } from './problem.ts';
import type { DeploymentFile } from './schema.ts';
import type { Places } from './yaml-places.ts';

export interface ManifestSource {
  /** The deployment file's name. */
  name: string;
  /** Manifests by their path from its folder (`normalPath`). */
  files: Record<string, string>;
  locateInside: Places['locateInside'];
}

/** Where problems are put: in the deployment file by their path, in manifests with their own place. */
export interface ProblemLists {
  problems: PathProblem[];
  manifestProblems: FileProblem[];
}

/** The objects of one entry of `manifests`. */
interface ManifestEntry {
  /** Absent: all of them. */
  targets: string[] | undefined;
  objects: WrittenObject[];
}

export function readManifests(file: DeploymentFile, from: ManifestSource, lists: ProblemLists): ManifestEntry[] {
  return file.manifests.map((manifest, index) => {
    const path: Path = ['manifests', index];
    return { targets: manifest.targets, objects: entryObjects(manifest, path, from, lists) };
  });
}

function entryObjects(
  manifest: DeploymentFile['manifests'][number],
  path: Path,
  from: ManifestSource,
  lists: ProblemLists,
): WrittenObject[] {
  const take = ({ objects, problems }: ReadManifest, what: string): WrittenObject[] => {
    lists.manifestProblems.push(...problems);
    if (objects.length === 0 && problems.length === 0)
      lists.problems.push({ path, message: `${what} holds no object` });
    return objects;
  };
  if ((manifest.path === undefined) === (manifest.inline === undefined)) {
    const message = 'a manifest needs path or inline, and only one of them';
    lists.problems.push({ path, message, restsOn: below(path, 'path', 'inline', UNKNOWN) });
    return [];
  }
  if (manifest.inline !== undefined)
    return take(readManifest(manifest.inline, inlineOrigin(from, [...path, 'inline'])), 'the inline manifest');
  const found = manifestFiles(manifest.path ?? '', from.files);
  if ('problem' in found) {
    lists.problems.push({ path: [...path, 'path'], message: found.problem });
    return [];
  }
  return found.files.flatMap(([written, text]) => take(readManifest(text, { file: written }), written));
}

/** Reads the one Job of a `runJob` step. */
export function readJob(
  step: { path?: string | undefined; inline?: string | undefined },
  path: Path,
  from: ManifestSource,
  lists: ProblemLists,
): { job: KubeObject; source: string } | undefined {
  const found = step.path === undefined ? undefined : manifestFiles(step.path, from.files);
  if (found !== undefined && 'problem' in found) {
    lists.problems.push({ path: [...path, 'path'], message: found.problem });
    return undefined;
  }
  if (found !== undefined && found.files.length > 1) {
    const message = `runJob runs one Job, and the folder ${step.path} has ${found.files.length} files: name one of them`;
    lists.problems.push({ path: [...path, 'path'], message });
    return undefined;
  }
  const [written, text] = found?.files[0] ?? ['the inline manifest', step.inline ?? ''];
  const origin = found === undefined ? inlineOrigin(from, [...path, 'inline']) : { file: written };
  const read = readManifest(text, origin);
  lists.manifestProblems.push(...read.problems);
  const [first, ...more] = read.objects;
  if (first !== undefined && more.length === 0) return { job: first.object, source: first.source };
  if (read.problems.length === 0)
    lists.problems.push({ path, message: `${written} must hold one Job, and holds ${read.objects.length} objects` });
  return undefined;
}

function inlineOrigin({ name, locateInside }: ManifestSource, path: Path): ManifestOrigin {
  return { file: name, inline: { path, placeOf: (within) => locateInside(path, within) } };
}
