/** Reads a deployment file: text in; what the run consumes, or every problem at once with its place, out. Pure. */

import { secretWarnings } from './file-warnings.ts';
import { withoutEchoes } from './holes.ts';
import { findNotYet } from './not-yet.ts';
import { showProblem, type FileProblem, type FileWarning } from './problem.ts';
import { takePrototypeKeys } from './prototype-keys.ts';
import { readShape } from './read-shape.ts';
import { resolve } from './resolve.ts';
import type { ResolvedFile } from './resolved.ts';
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
  const places = parseWithPlaces(text, name);
  const { value, problems: syntax, locate } = places;
  if (value === undefined && syntax.length > 0) return { ok: false, problems: inOrder(syntax, name) };
  const other = otherThing(value);
  if (other !== undefined) return { ok: false, problems: [locate({ path: [], message: other })] };
  const { problems: notYet, rest } = findNotYet(value as object);
  const prototypes = takePrototypeKeys(rest);
  const taken = [...notYet, ...prototypes];
  const shape = readShape(
    rest,
    taken.map(({ path }) => path),
  );
  const told = [...syntax, ...[...taken, ...shape.problems].map(locate)];
  if (shape.file === undefined) return { ok: false, problems: inOrder(told, name) };
  const { locateInside } = places;
  const resolved = resolve({ ...options, name, file: shape.file, files, locateInside });
  told.push(...withoutEchoes(resolved.problems, shape.holes).map(locate), ...resolved.manifestProblems);
  if (told.length > 0) return { ok: false, problems: inOrder(told, name) };
  const warnings = [...resolved.warnings, ...secretWarnings(resolved.file)];
  return { ok: true, file: resolved.file, warnings: inOrder(warnings.map(locate), name) };
}

/** What a file is that was given by mistake: every key of it would be a problem of its own. */
function otherThing(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'this is no deployment file: it must be a map with application, targets, manifests and strategies';
  const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown };
  const has = (key: string): boolean => Object.hasOwn(value, key);
  if (typeof apiVersion === 'string' && typeof kind === 'string' && !has('targets') && !has('manifests'))
    return `this is a Kubernetes manifest (${kind}), and no deployment file: name it under manifests in one`;
  return undefined;
}

/** As one reads: the deployment file from top to bottom, then the manifests by name. What is told for several is told once. */
function inOrder(problems: FileProblem[], name: string): FileProblem[] {
  const rank = ({ file }: FileProblem): string => (file === name ? '' : file);
  const compare = (left: string, right: string): number => (left < right ? -1 : Number(left > right));
  const once = new Map(problems.map((problem) => [showProblem(problem), problem]));
  return [...once.values()].toSorted(
    (left, right) =>
      compare(rank(left), rank(right)) ||
      left.line - right.line ||
      left.column - right.column ||
      compare(left.message, right.message),
  );
}
