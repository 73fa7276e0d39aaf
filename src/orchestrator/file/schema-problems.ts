/** The schema's complaints in plain words, one per place, with the key that was probably meant. */

import type { z } from 'zod';
import type { PathProblem } from './problem.ts';

/** Every key the format has: where an unknown one is meant to be one of these, it is said. */
const KEYS = (
  'version kind application description context contextOverrides deploymentConfig targets ' +
  'manifests strategies analysis trafficManagement timeout duration unit units ' +
  'account namespace strategy constraints dependsOn path inline canary ' +
  'steps setWeight weight pause untilApproved requiresRoles approvalExpiration queries ' +
  'interval numberOfJudgmentRuns rollBackMode rollForwardMode lookbackMethod abortOnFailedJudgment metricProviderName runJob ' +
  'defaultMetricProviderName name queryTemplate upperLimit lowerLimit smi rootServiceName canaryServiceName ' +
  'trafficSplitName keepDeploymentObject ifDeploymentInProgress'
).split(' ');

export function schemaProblems(issues: z.core.$ZodIssue[]): PathProblem[] {
  return issues.flatMap((issue): PathProblem[] => {
    const path = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, path) }));
    }
    const name = path.at(-1);
    if (issue.code === 'invalid_type' && issue.input === undefined && issue.message.includes('received undefined')) {
      return [{ path, message: `${String(name)} is missing` }];
    }
    if (issue.code === 'invalid_type') return [{ path, message: `${String(name)} must be ${article(issue.expected)}` }];
    return [{ path, message: `${String(name)} ${issue.message}` }];
  });
}

function article(type: string): string {
  const words: Record<string, string> = {
    object: 'a map',
    record: 'a map',
    array: 'a list',
    int: 'a whole number',
    boolean: 'true or false',
  };
  return words[type] ?? `a ${type}`;
}

function unknownKey(key: string, path: (string | number)[]): string {
  if (path.at(-2) === 'steps' && key === 'weight') return 'unknown key weight: write `setWeight: { weight: 10 }`';
  const meant = nearest(key, KEYS);
  return `unknown key ${key}${meant === undefined ? '' : `: did you mean ${meant}?`}`;
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
