/** `npm run demo` is what the README promises: it runs by itself, and its figures are as they must be. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { node, repository } from '../support/child.ts';
import { makeScratch } from '../support/scratch.ts';

interface Figures {
  promoted: Run;
  rolledBack: Run;
  seconds: number;
}

interface Run {
  requests: number;
  byVersion: Record<string, number>;
  failed: number;
  misrouted: number;
  weights: number[];
  podsRestarted: number;
  leftBehind: number;
}

const spotless = { failed: 0, misrouted: 0, podsRestarted: 0, leftBehind: 0 };

it('promotes v2 and rolls v3 back under load, and loses nothing', async () => {
  await using scratch = makeScratch('demo-test');
  const file = join(scratch.folder, 'figures.json');
  const { status, stdout, stderr } = spawnSync(node, ['examples/demo/main.ts', '--json', file], {
    cwd: repository,
    encoding: 'utf8',
    timeout: 280_000,
  });
  expect({ status, stdout, stderr }).toMatchObject({ status: 0 });
  const { promoted, rolledBack, seconds } = JSON.parse(readFileSync(file, 'utf8')) as Figures;
  expect(promoted).toMatchObject({ ...spotless, weights: [0, 10, 25, 50, 100, 0] });
  expect(rolledBack).toMatchObject({ ...spotless, weights: [0, 10, 25, 0] });
  expect(Object.keys(promoted.byVersion)).toEqual(['v1', 'v2']);
  expect(Object.keys(rolledBack.byVersion)).toEqual(['v2', 'v3']);
  expect(seconds).toBeGreaterThan(10);
});
