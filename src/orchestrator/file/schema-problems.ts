/** The schema's complaints in plain words, one per place, with the key that was probably meant. */

import type { z } from 'zod';
import { keysAt } from './json-shape.ts';
import { ANY, type Path, type PathProblem } from './problem.ts';

export function pathOf(issue: z.core.$ZodIssue): Path {
  return issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
}

export function schemaProblems(issues: z.core.$ZodIssue[]): PathProblem[] {
  return issues.flatMap((issue): PathProblem[] => {
    const path = pathOf(issue);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, path) }));
    }
    const name = nameOf(path);
    if (issue.code === 'invalid_type' && issue.input === undefined && issue.message.includes('received undefined')) {
      return [{ path, message: `${name} is missing`, restsOn: [[...path.slice(0, -1), ANY]] }];
    }
    if (issue.code === 'invalid_type') return [{ path, message: wrongType(path, issue.expected, issue.input) }];
    return [{ path, message: `${name} ${issue.message}` }];
  });
}

function wrongType(path: Path, expected: string, given: unknown): string {
  const name = nameOf(path);
  if (given === null) return `${name} is empty: it must be ${article(expected)}`;
  if (name === 'setWeight') return 'setWeight must be a map: write `setWeight: { weight: 10 }`';
  return `${name} must be ${article(expected)}${quotesHint(expected, given)}`;
}

function quotesHint(expected: string, given: unknown): string {
  if (expected === 'string' && (typeof given === 'number' || typeof given === 'boolean'))
    return `: put it in quotes, "${given}"`;
  const isQuoted =
    typeof given === 'string' && (expected === 'boolean' ? /^(true|false)$/ : /^-?\d+(\.\d+)?$/).test(given);
  return isQuoted && /^(number|int|boolean)$/.test(expected) ? `: take the quotes away, ${given}` : '';
}

/** As a person would point at it: `weight`, or `entry 2 of queries`. */
function nameOf(path: Path): string {
  const key = path.at(-1);
  return typeof key === 'number' ? `entry ${key + 1} of ${nameOf(path.slice(0, -1))}` : String(key);
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
  return (Object.hasOwn(words, type) ? words[type] : undefined) ?? `a ${type}`;
}

function unknownKey(key: string, path: Path): string {
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
