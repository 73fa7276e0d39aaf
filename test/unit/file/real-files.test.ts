/** Real deployment files of the older product: each resolves, or is refused by name and line; the invalid ones in plain words. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collectFiles } from '../../../src/orchestrator/file/collect-files.ts';
import type { FileProblem } from '../../../src/orchestrator/file/problem.ts';
import { complaints } from './complaints.ts';
import { readDeploymentFile } from '../../../src/orchestrator/file/read-deployment-file.ts';

const folder = join(import.meta.dirname, '../../../../shared/fixtures/armory');
const isThere = existsSync(folder);
const names = isThere ? readdirSync(folder).filter((name) => !/manifest|rna|trafficsplit/.test(name)) : [];
const manifests = isThere ? readdirSync(folder).filter((name) => /manifest|trafficsplit/.test(name)) : [];

async function problemsOf(name: string): Promise<FileProblem[]> {
  const { text, files } = await collectFiles(join(folder, name));
  const read = readDeploymentFile(text, name, files);
  return read.ok ? [] : read.problems;
}

/** Their manifests lie in other repositories; what we lack of the format is said so. */
const isExpected = ({ message }: FileProblem): boolean =>
  /^not supported yet: |is not there, or holds no/.test(message);

describe.runIf(isThere)('real deployment files (needs ../shared/fixtures)', () => {
  const valid = names.filter((name) => !/invalid|skeleton/.test(name));

  it('are found', () => {
    expect(valid.length).toBeGreaterThan(15);
  });

  it.each(valid)('%s is refused for nothing but what is not supported yet, by name and line', async (name) => {
    const problems = await problemsOf(name);
    expect(problems.filter((problem) => !isExpected(problem))).toEqual([]);
    for (const { line, column } of problems) expect(line * column).toBeGreaterThan(0);
  });

  it.each(names)(
    '%s with a line cut out, doubled or pushed to the right is answered with places',
    async (name) => {
      const { text, files } = await collectFiles(join(folder, name));
      const lines = text.split('\n');
      const found = lines.flatMap((line, index) => {
        if (index % 4 !== 0) return [];
        const damage = [[], [line, line], [`  ${line}`]][(index / 4) % 3] ?? [];
        return complaints(lines.toSpliced(index, 1, ...damage).join('\n'), files);
      });
      expect(found).toEqual([]);
    },
    30_000,
  );

  it.each(manifests)('%s is no deployment file, and that is all that is said', async (name) => {
    expect((await problemsOf(name)).map(({ message }) => message)).toEqual([
      expect.stringMatching(/^this is a Kubernetes manifest \(\w+\), and no deployment file: name it under manifests/),
    ]);
  });

  it.each([
    ['42-invalid-pause3.yaml', 27, 'unit must be set with a duration'],
    ['46-invalid-no-targets.yaml', 1, 'targets is missing'],
    ['47-invalid-missing-canary.yaml', 16, 'strategy1 is empty: it must be a map'],
  ])('%s: line %i: %s', async (name, line, message) => {
    expect(await problemsOf(name)).toContainEqual(expect.objectContaining({ line, message }));
  });

  it.each(names.filter((name) => name.includes('invalid')))('%s is refused', async (name) => {
    expect((await problemsOf(name)).length).toBeGreaterThan(0);
  });
});
