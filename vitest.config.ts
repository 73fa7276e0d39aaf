import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/run/longest-first.ts';
import { SlowestFiles } from './test/support/run/slowest-files.ts';

/** Where the results are written as JSON; nowhere if not set. */
const results = process.env['TEST_RESULTS'];
const json: ['json', { outputFile: string }][] = results === undefined ? [] : [['json', { outputFile: results }]];

/** One project per cost: unit runs anywhere, integration needs a control plane, e2e a whole node. */
export default defineConfig({
  test: {
    pool: 'forks',
    // Of unit and integration tests: they keep two processors busy.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // By default one second, which a busy machine takes to end a process.
    expect: { poll: { timeout: 15_000 } },
    reporters: ['default', new SlowestFiles(), ...json],
    globalSetup: ['test/support/run/own-temporary-folder.ts', 'test/support/run/compile-cache.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/simulation/**/*.test.ts'],
          setupFiles: ['test/support/property-seed.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          // A worker's files share a cluster (test/support/shared-cluster.ts).
          isolate: false,
          // More than processors: most of the time of most of these is waiting.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
