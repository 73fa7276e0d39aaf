/** The schema's complaints in plain words, one per place, with the key that was probably meant. */

import { z } from 'zod';
import type { PathProblem } from './problem.ts';
import { deploymentFile } from './schema.ts';

/** The part of a JSON Schema that says which keys are known where. */
interface Shape {
  properties?: Record<string, Shape>;
  additionalProperties?: Shape | boolean;
  items?: Shape;
  anyOf?: Shape[];
}

const FILE = z.toJSONSchema(deploymentFile, { io: 'input', unrepresentable: 'any' }) as Shape;

/** The keys that the format knows at a place. */
function keysAt(path: (string | number)[]): string[] {
  const shape = path.reduce<Shape | undefined>((outer, key) => {
    const within = outer?.anyOf?.find(({ type }: Shape & { type?: string }) => type !== 'null') ?? outer;
    if (typeof key === 'number') return within?.items;
    const named = within?.properties?.[key];
    if (named !== undefined) return named;
    return typeof within?.additionalProperties === 'object' ? within.additionalProperties : undefined;
  }, FILE);
  return Object.keys(shape?.properties ?? {});
}

export function schemaProblems(issues: z.core.$ZodIssue[]): PathProblem[] {
  return issues.flatMap((issue): PathProblem[] => {
    const path = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, path) }));
    }
    const name = path.at(-1);
    if (issue.code === 'invalid_type' && issue.input === undefined && issue.message.includes('received undefined')) {
      return [{ path, message: `${String(name)} is missing`, isAbsence: true }];
    }
    if (issue.code === 'invalid_type') return [{ path, message: wrongType(path, issue.expected, issue.input) }];
    return [{ path, message: `${String(name)} ${issue.message}` }];
  });
}

function wrongType(path: (string | number)[], expected: string, given: unknown): string {
  const name = String(path.at(-1));
  if (given === null) return `${name} is empty: it must be ${article(expected)}`;
  if (name === 'setWeight') return 'setWeight must be a map: write `setWeight: { weight: 10 }`';
  const quotes = expected === 'string' && typeof given === 'number' ? `: put it in quotes, "${given}"` : '';
  return `${name} must be ${article(expected)}${quotes}`;
}

function article(type: string): string {
  const words: Record<string, string> = {
    object: 'a map',
    record: 'a map',
    array: 'a list',
    int: 'a whole number',
    boolean: 'true or false',
    string: 'text',
  };
  return words[type] ?? `a ${type}`;
}

function unknownKey(key: string, path: (string | number)[]): string {
  const known = keysAt(path);
  const above = keysAt(path.slice(0, -1));
  // At the right word and in the wrong place: `requiresRoles` under `approvalExpiration` stands in the format's own pages.
  if (!known.includes(key) && above.includes(key)) return `unknown key ${key} here: it belongs one level up`;
  const meant = nearest(key, known);
  return `unknown key ${key}: ${meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`}`;
}

/** The known word with the fewest edits, if they are few. */
export function nearest(word: string, known: string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, edits: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((left, right) => left.edits - right.edits);
  const best = ranked[0];
  return best !== undefined && best.edits <= Math.max(1, Math.floor(word.length / 4)) ? best.candidate : undefined;
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
