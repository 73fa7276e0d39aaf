/** `npm test -- --changed` runs each test that a change can reach, and not all of them. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reachedTests } from '../../../scripts/changed/reach.ts';
import { referencesOf, type References } from '../../../scripts/changed/references.ts';
import { repository } from '../../support/child.ts';

function tree(texts: Record<string, string>): Map<string, References | undefined> {
  return new Map(
    Object.entries(texts).map(([file, text]) => [file, file.endsWith('.ts') ? referencesOf(file, text) : undefined]),
  );
}

describe('in a small tree', () => {
  const files = tree({
    'src/app/main.ts': `import { run } from './run.ts'; export type { Name } from '../names.ts';`,
    'src/app/run.ts': `export const run = () => import('./late.ts'); const word = 'docs';`,
    'src/app/late.ts': '',
    'src/names.ts': '',
    'docs/page.md': '',
    'test/cluster/images/app/app.go': '',
    'test/support/start.ts': "export const start = () => spawn('node', ['src/app/main.ts']);",
    'test/support/build.ts': 'export const build = (name) => join(import.meta.dirname, `../cluster/images/${name}`);',
    'test/e2e/started.test.ts': `import { start } from '../support/start.ts';`,
    'test/e2e/built.test.ts': `export { build } from '../support/build.ts';`,
    'test/unit/page.test.ts': `readFileSync(join(root, 'docs/page.md'));`,
    'test/unit/other.test.ts': '',
  });

  test.each([
    ['a module, through the program that is spawned', ['src/app/run.ts'], ['test/e2e/started.test.ts']],
    ['one that is imported late', ['src/app/late.ts'], ['test/e2e/started.test.ts']],
    ['one of which types alone are used', ['src/names.ts'], ['test/e2e/started.test.ts']],
    ['a file that is gone', ['src/app/late.ts', 'src/gone.ts'], ['test/e2e/started.test.ts']],
    ['a folder that a name leads to', ['test/cluster/images/app/app.go'], ['test/e2e/built.test.ts']],
    ['a page, but not by a word of a program', ['docs/page.md'], ['test/unit/page.test.ts']],
    ['a test itself', ['test/unit/other.test.ts'], ['test/unit/other.test.ts']],
    ['nothing', ['README.md'], []],
  ])('%s', (_, changed, reached) => {
    expect(reachedTests(files, changed)).toEqual(reached);
  });

  test.each(['package-lock.json', 'vitest.config.ts', 'test/support/run/longest-first.ts'])(
    '%s reaches all',
    (file) => {
      expect(reachedTests(files, [file])).toHaveLength(4);
    },
  );
});

describe('in this repository', () => {
  const names = execFileSync('git', ['ls-files'], { cwd: repository, encoding: 'utf8' }).split('\n').filter(Boolean);
  const files = tree(Object.fromEntries(names.map((name) => [name, contentOf(name)])));

  test.each([
    ['src/orchestrator/engine/run/promote.ts', 'test/e2e/canary-kill.test.ts', 'test/unit/shared/backoff.test.ts'],
    ['docs/first-canary.md', 'test/e2e/first-canary.test.ts', 'test/e2e/canary-kill.test.ts'],
    ['helm/agent/values.yaml', 'test/integration/chart.test.ts', 'test/unit/run/clean-up.test.ts'],
    ['test/cluster/images/load/proxy.go', 'test/e2e/canary-traffic.test.ts', 'test/unit/cli/progress.test.ts'],
    ['src/cli/progress.ts', 'test/unit/cli/progress.test.ts', 'test/unit/agent/lanes.test.ts'],
  ])('%s reaches %s and not %s', (changed, reached, notReached) => {
    const tests = reachedTests(files, [changed]);
    expect(tests).toContain(reached);
    expect(tests).not.toContain(notReached);
  });
});

function contentOf(name: string): string {
  return name.endsWith('.ts') ? readFileSync(join(repository, name), 'utf8') : '';
}
