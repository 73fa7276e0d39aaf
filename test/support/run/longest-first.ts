/** Starts the longest files first, so that no worker is alone with one at the end; a cluster's worker keeps to files that share it. */

import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files of minutes, the longest first. Only time depends on this list: where it is out of date the run takes a little longer.
 * The slowest files are printed at the end of each run.
 */
const LONGEST = [
  'orchestrator-image',
  'canary-kill',
  'install',
  'canary-traffic',
  'mesh',
  'canary-retain',
  'link-faults',
  'real-application',
  'demo-foreign',
  'demo',
  'first-canary',
];

/** Clusters, then control planes, then what needs neither: the last ones are short and fill what is left of the time. */
const PROJECTS = ['e2e', 'integration', 'unit'];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files);
    return usual.toSorted((one, other) => projectRank(one) - projectRank(other) || fileRank(one) - fileRank(other));
  }
}

function projectRank({ project }: TestSpecification): number {
  return PROJECTS.indexOf(project.name);
}

function fileRank({ moduleId }: TestSpecification): number {
  const rank = LONGEST.indexOf(basename(moduleId, '.test.ts'));
  return rank < 0 ? LONGEST.length : rank;
}
