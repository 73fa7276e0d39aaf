/** `npm test -- --changed` runs each test that a change can reach, and not all of them. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reachedTests, testsOf } from '../../../scripts/changed/reach.ts';
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
    'helm/agent/values.yaml': '',
    'package.json': '',
    'vitest.config.ts': `import { Order } from './test/run/order.ts'; const include = 'test/unit/**/*.test.ts';`,
    'test/run/order.ts': '',
    'docs/page.md': '',
    'test/cluster/images/go.mod': '',
    'test/cluster/images/app/app.go': '',
    'test/cluster/images/kube/kube.go': '',
    'test/cluster/binaries/helm/main.go': '',
    'test/cluster/programs.ts': `export const helm = join(binaries, 'helm');`,
    'test/support/start.ts': "export const start = () => spawn('node', ['src/app/main.ts']);",
    'test/support/build.ts': 'export const build = (name) => join(import.meta.dirname, `../cluster/images/${name}`);',
    'test/support/chart.ts': `export const chart = (name) => join(root, 'helm', name);`,
    'test/support/mesh/up.ts': `export const folder = (name) => join(import.meta.dirname, '..', '..', 'cluster/images', name);`,
    'test/e2e/mesh.test.ts': `import { folder } from '../support/mesh/up.ts';`,
    'test/e2e/cluster.test.ts': `import { helm } from '../cluster/programs.ts';`,
    'test/e2e/chart.test.ts': `import { chart } from '../support/chart.ts';`,
    'test/unit/one-app.test.ts': `goProgram('test/cluster/images/app');`,
    'test/unit/codes.test.ts': `globSync('src/**/*.ts');`,
    'test/unit/deep/words/note.md': '',
    'test/unit/deep/words/rights.test.ts': `const rights = ['*', 'apps/*', '..', '.', ''];`,
    'test/e2e/started.test.ts': `import { start } from '../support/start.ts';`,
    'test/e2e/built.test.ts': `export { build } from '../support/build.ts';`,
    'test/unit/page.test.ts': `readFileSync(join(root, 'docs/page.md'));`,
    'test/unit/deep/other.test.ts': '',
  });

  test.each([
    ['a module, through the program that is spawned', 'src/app/run.ts', ['e2e/started', 'unit/codes']],
    ['a module that is imported late', 'src/app/late.ts', ['e2e/started', 'unit/codes']],
    ['a module of which only types are used', 'src/names.ts', ['e2e/started', 'unit/codes']],
    [
      'a folder that a template begins with',
      'test/cluster/images/app/app.go',
      ['e2e/built', 'e2e/mesh', 'unit/one-app'],
    ],
    ['the rest of a Go module', 'test/cluster/images/kube/kube.go', ['e2e/built', 'e2e/mesh', 'unit/one-app']],
    ['a folder of the root, but not by the name of a nearer one', 'helm/agent/values.yaml', ['e2e/chart']],
    ['a page, but not by a word of a program', 'docs/page.md', ['unit/page']],
    ['a test itself, but not by the way up', 'test/unit/deep/other.test.ts', ['unit/deep/other']],
    ['nothing by a word that could be a glob', 'test/unit/deep/words/note.md', []],
    ['nothing', 'README.md', []],
  ])('%s', (_, changed, reached) => {
    expect(reachedTests(files, [changed])).toEqual(reached.map((name) => `test/${name}.test.ts`));
  });

  test('a file that no longer exists reaches what imports, names or matches it, and is not run itself', () => {
    const imported = new Map(files);
    imported.delete('src/app/late.ts');
    expect(reachedTests(imported, ['src/app/late.ts'])).toEqual([
      'test/e2e/started.test.ts',
      'test/unit/codes.test.ts',
    ]);
    const named = new Map(files);
    named.delete('docs/page.md');
    expect(reachedTests(named, ['docs/page.md'])).toEqual(['test/unit/page.test.ts']);
    const gone = new Map(files).set('test/unit/deep/other.test.ts', undefined);
    expect(reachedTests(gone, ['test/unit/deep/other.test.ts'])).toEqual([]);
  });

  test.each(['package.json', 'vitest.config.ts', 'test/run/order.ts'])('%s reaches all', (file) => {
    expect(reachedTests(files, [file])).toEqual(testsOf(files));
  });
});

describe('in this repository', () => {
  const names = execFileSync('git', ['ls-files'], { cwd: repository, encoding: 'utf8' }).split('\n').filter(Boolean);
  const files = tree(Object.fromEntries(names.map((name) => [name, contentOf(name)])));

  test.each([
    ['src/orchestrator/engine/run/promote.ts', 'test/e2e/canary-kill.test.ts', 'test/unit/shared/backoff.test.ts'],
    ['docs/first-canary.md', 'test/e2e/first-canary.test.ts', 'test/e2e/canary-kill.test.ts'],
    ['helm/agent/values.yaml', 'test/integration/chart.test.ts', 'test/unit/run/clean-up.test.ts'],
    ['test/cluster/images/load/proxy.go', 'test/e2e/canary-traffic.test.ts', 'test/unit/cli/progress.test.ts'],
    ['helm/agent/values.yaml', 'test/e2e/install.test.ts', 'test/e2e/canary-kill.test.ts'],
    ['test/cluster/images/mesh/adaptor.go', 'test/integration/mesh.test.ts', 'test/unit/shared/backoff.test.ts'],
    ['src/agent/stream/session.ts', 'test/unit/docs/logs.test.ts', 'test/unit/cli/progress.test.ts'],
    ['docs/design.md', 'test/unit/docs/commands.test.ts', 'test/e2e/canary-kill.test.ts'],
    ['examples/first-canary/deploy.yaml', 'test/e2e/first-canary.test.ts', 'test/e2e/canary-kill.test.ts'],
    ['src/orchestrator/http/openapi.ts', 'test/integration/up.test.ts', 'test/unit/shared/backoff.test.ts'],
    ['README.md', 'test/integration/docs-helm.test.ts', 'test/e2e/canary-kill.test.ts'],
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
