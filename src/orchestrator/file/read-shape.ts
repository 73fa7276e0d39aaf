/** The shape of a file, leniently: what is wrong with it is told, and a stand-in put there, so that the rest can be checked as well. */

import type { z } from 'zod';
import { covers, withoutEchoes, type Hole } from './holes.ts';
import { isOptional, keysAt, standInAt } from './json-shape.ts';
import { UNKNOWN, type Path, type PathProblem } from './problem.ts';
import { deploymentFile, type DeploymentFile } from './schema.ts';
import { nearest, pathOf, schemaProblems } from './schema-problems.ts';

/** The second round finds what the first one's mistakes hid; a stand-in fits by itself. */
const MAX_ROUNDS = 8;

export interface ReadShape {
  /** Absent where no stand-in helped. */
  file: DeploymentFile | undefined;
  problems: PathProblem[];
  holes: Hole[];
}

/**
 * @param taken places that were taken out before.
 */
export function readShape(value: object, taken: Path[]): ReadShape {
  const mended: unknown = structuredClone(value);
  const problems: PathProblem[] = [];
  let holes: Hole[] = taken;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const parsed = deploymentFile.safeParse(mended, { reportInput: true });
    if (parsed.success) return { file: parsed.data, problems, holes };
    const found = schemaProblems(parsed.error.issues);
    const unknown = parsed.error.issues.flatMap((issue) => unknownKeys(issue, mended));
    // What is missing is told, unless a misspelt key says so already.
    const told = found.filter(({ path }) => !unknown.some((hole) => covers(hole, path)));
    problems.push(...(round === 0 ? withoutEchoes(told, holes) : withoutEchoes(told.map(bare), holes)));
    const broken = parsed.error.issues.flatMap((issue) => mend(mended, issue));
    holes = [...holes, ...unknown, ...broken];
  }
  return { file: undefined, problems, holes };
}

/** Without what it rests on: that counts for what was taken out, not for what is wrong beside it. */
function bare({ path, message }: PathProblem): PathProblem {
  return { path, message };
}

/** An unknown key is a hole, and so is the missing one that it is most like. */
function unknownKeys(issue: z.core.$ZodIssue, value: unknown): Hole[] {
  if (issue.code !== 'unrecognized_keys') return [];
  const path = pathOf(issue);
  const map = at(value, path) ?? {};
  return issue.keys.flatMap((key): Hole[] => {
    const meant = nearest(key, keysAt(path));
    const isMissing = meant !== undefined && !Object.hasOwn(map, meant);
    return [[...path, UNKNOWN], ...(isMissing ? [[...path, meant]] : [])];
  });
}

/** Takes out what is wrong, or puts a stand-in there. Returns the hole. */
function mend(value: unknown, issue: z.core.$ZodIssue): Hole[] {
  const path = pathOf(issue);
  if (issue.code === 'unrecognized_keys') {
    const map = at(value, path);
    for (const key of issue.keys) if (map !== undefined) delete map[key];
    return [];
  }
  const key = path.at(-1);
  const parent = at(value, path.slice(0, -1));
  if (key === undefined || parent === undefined) return [];
  if (isOptional(path)) delete parent[key];
  else parent[key] = standInAt(path);
  return [path];
}

function at(value: unknown, path: Path): Record<string | number, unknown> | undefined {
  const found = path.reduce<unknown>(
    (inner, key) => (inner as Record<string | number, unknown> | null | undefined)?.[key],
    value,
  );
  return typeof found === 'object' && found !== null ? (found as Record<string | number, unknown>) : undefined;
}
