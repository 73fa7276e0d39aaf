/**
 * `npm run matrix` and `npm run soak`: tests in their whole extent, which is too long for every run. Each has a share in `npm test`.
 * Prints the seed, and writes seed, results and figures as JSON.
 */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** What is run, by name: every combination, or one thing for long. */
const RUNS: Record<string, string[]> = {
  matrix: ['test/e2e/canary-kill.test.ts'],
  soak: ['test/e2e/link-faults.test.ts', 'test/e2e/link-endurance.test.ts'],
};

const usage = `npm run ${Object.keys(RUNS).join('|')} [-- --seed N] [--json FILE]
  --seed N     repeats the chances of an earlier run; default: one of chance, which is printed
  --json FILE  where seed, results and figures go; default: RUN.json in this folder`;

interface TestRun {
  success: boolean;
  testResults: { assertionResults: { fullName: string; status: string; duration?: number }[] }[];
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { seed: { type: 'string' }, json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const [name = ''] = positionals;
  const files = RUNS[name];
  const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
  if (values.help === true || files === undefined || !/^\d+$/.test(seed)) {
    console.log(usage);
    return values.help === true ? 0 : 2;
  }
  const target = values.json ?? `${name}.json`;
  console.log(`${name}: seed ${seed}, result in ${target}`);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-long-'));
  try {
    const [results, figures] = [join(folder, 'results.json'), join(folder, 'figures')];
    const start = performance.now();
    const code = await vitest(files, { LONG_RUN: '1', LONG_RUN_FIGURES: figures, TEST_RESULTS: results, SEED: seed });
    const seconds = Math.round((performance.now() - start) / 1000);
    writeFileSync(
      target,
      `${JSON.stringify({ name, seed: Number(seed), seconds, ...read(results, figures) }, null, 2)}\n`,
    );
    return code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function read(
  results: string,
  figures: string,
): { passed: number; failed: number; tests: unknown[]; figures: unknown[] } {
  const run = existsSync(results) ? (JSON.parse(readFileSync(results, 'utf8')) as TestRun) : { testResults: [] };
  const tests = run.testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ fullName, status, duration }) => ({
      test: fullName,
      status,
      ms: Math.round(duration ?? 0),
    })),
  );
  const lines = existsSync(figures) ? readFileSync(figures, 'utf8').split('\n').filter(Boolean) : [];
  const passed = tests.filter(({ status }) => status === 'passed').length;
  return { passed, failed: tests.length - passed, tests, figures: lines.map((line) => JSON.parse(line) as unknown) };
}

function vitest(files: string[], env: Record<string, string>): Promise<number> {
  const program = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [program, 'run', ...files], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}

process.exitCode = await main(process.argv.slice(2));
