/** The one key that JavaScript, and what is written in it, does not keep apart from its own: refused by name, never dropped. */

import type { Path, PathProblem } from './problem.ts';

const KEY = '__proto__';

export const PROTOTYPE_PROBLEM = `the name ${KEY} cannot be used: choose another`;

/** Where the key stands; it is taken out there. What several places share is looked at once. */
export function takePrototypeKeys(value: object): PathProblem[] {
  const problems: PathProblem[] = [];
  const seen = new Set<unknown>();
  const open: { node: unknown; path: Path }[] = [{ node: value, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, path } = next;
    if (typeof node !== 'object' || node === null || seen.has(node)) continue;
    seen.add(node);
    if (Object.hasOwn(node, KEY)) {
      problems.push({ path: [...path, KEY], message: PROTOTYPE_PROBLEM });
      Reflect.deleteProperty(node, KEY);
    }
    for (const [key, inner] of Object.entries(node))
      open.push({ node: inner, path: [...path, Array.isArray(node) ? Number(key) : key] });
  }
  return problems;
}
