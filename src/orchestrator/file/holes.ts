/**
 * Holes: the places of a file that could not be read, and are told already. The rest is checked all the same, with a stand-in in
 * each hole; what is only wrong because of the stand-in is the echo of a problem, and no second one.
 */

import { ANY, type PathProblem, type Rest } from './problem.ts';

/** A path; ends with `UNKNOWN` for a key that the format does not know. */
export type Hole = Rest;

export function withoutEchoes(problems: PathProblem[], holes: Hole[]): PathProblem[] {
  return problems.filter(({ path, restsOn = [] }) => {
    const rests: Rest[] = [path, ...restsOn];
    return !holes.some((hole) => rests.some((rest) => covers(hole, rest)));
  });
}

/** Does the place lie in the hole? */
export function covers(hole: Hole, rest: Rest): boolean {
  return hole.length <= rest.length && hole.every((key, index) => rest[index] === ANY || rest[index] === key);
}
