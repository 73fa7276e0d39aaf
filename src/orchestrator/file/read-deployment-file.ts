/** Reads a deployment file: text in; what the run consumes, or every problem at once with its place, out. Pure. */

import type { FileProblem, FileWarning, PathProblem } from './problem.ts';
import { findNotYet } from './not-yet.ts';
import { resolve } from './resolve.ts';
import type { ResolvedFile } from './resolved.ts';
import { deploymentFile } from './schema.ts';
import { schemaProblems } from './schema-problems.ts';
import { parseWithPlaces } from './yaml-places.ts';

export type ReadResult =
  { ok: true; file: ResolvedFile; warnings: FileWarning[] } | { ok: false; problems: FileProblem[] };

export interface ReadOptions {
  /** Goes over the file's own. */
  application?: string | undefined;
  /** Goes over the file's context, key by key. */
  context?: Record<string, string> | undefined;
}

/**
 * @param name the file as people know it, for messages.
 * @param files manifests and jobs by their path from the deployment file's folder (`normalPath`).
 */
export function readDeploymentFile(
  text: string,
  name: string,
  files: Record<string, string>,
  options: ReadOptions = {},
): ReadResult {
  const { value, problems, locate } = parseWithPlaces(text, name);
  if (problems.length > 0) return { ok: false, problems };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const message = 'this is no deployment file: it must be a map with application, targets, manifests and strategies';
    return { ok: false, problems: [locate({ path: [], message })] };
  }
  const { problems: notYet, rest } = findNotYet(value);
  const parsed = deploymentFile.safeParse(rest, { reportInput: true });
  if (!parsed.success) {
    return {
      ok: false,
      problems: inOrder([...notYet, ...withoutEcho(schemaProblems(parsed.error.issues), notYet)].map(locate)),
    };
  }
  const resolved = resolve({ name, file: parsed.data, files, ...options });
  const found = [...[...notYet, ...withoutEcho(resolved.problems, notYet)].map(locate), ...resolved.manifestProblems];
  if (found.length > 0) return { ok: false, problems: inOrder(found) };
  return { ok: true, file: resolved.file, warnings: resolved.warnings.map(locate) };
}

/** What is only missing because an unsupported part was taken out beside it is no second problem. */
function withoutEcho(problems: PathProblem[], notYet: PathProblem[]): PathProblem[] {
  const parents = new Set(notYet.map(({ path }) => JSON.stringify(path.slice(0, -1))));
  const isEcho = ({ path, isAbsence = false }: PathProblem): boolean =>
    isAbsence && (parents.has(JSON.stringify(path)) || parents.has(JSON.stringify(path.slice(0, -1))));
  return problems.filter((problem) => !isEcho(problem));
}

/** As one reads: file by file, from top to bottom. */
function inOrder(problems: FileProblem[]): FileProblem[] {
  const files = [...new Set(problems.map(({ file }) => file))];
  return problems.toSorted(
    (left, right) =>
      files.indexOf(left.file) - files.indexOf(right.file) || left.line - right.line || left.column - right.column,
  );
}
