/** Reads the JSON that test runs wrote, names what failed or was skipped, and ends with `N passed, N failed`. */

import { existsSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';

interface TestRun {
  testResults: {
    name: string;
    status: string;
    message?: string;
    assertionResults: { fullName: string; status: string; failureMessages?: string[] | null }[];
  }[];
}

interface Outcome {
  file: string;
  test: string;
  status: string;
}

/** A suite on material beside the repository carries `(needs PATH)` in its name; without the path it can't run anywhere. */
const needs = /\(needs ([^)\s]+)\)/;

function outcomes(run: TestRun): Outcome[] {
  return run.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(process.cwd(), name);
    const tests = assertionResults.map(({ fullName, status }) => ({ file, test: fullName, status }));
    // A file that could not be loaded has no tests, and a failing hook fails none of them.
    const broken = status === 'failed' && tests.every((each) => each.status !== 'failed');
    return broken ? [...tests, { file, test: `(the file itself) ${message ?? ''}`.trim(), status: 'failed' }] : tests;
  });
}

function isExcused({ test }: Outcome): boolean {
  const path = needs.exec(test)?.[1];
  return path !== undefined && !existsSync(resolve(path));
}

function main(failedSteps: number, resultsFiles: string[]): number {
  const missing = resultsFiles.filter((file) => !existsSync(file));
  for (const file of missing) console.log(`The test run left no ${file}.`);
  const all = resultsFiles
    .filter((file) => !missing.includes(file))
    .flatMap((file) => outcomes(JSON.parse(readFileSync(file, 'utf8')) as TestRun));
  const passed = all.filter(({ status }) => status === 'passed');
  const rest = all.filter(({ status }) => status !== 'passed');
  const excused = rest.filter((outcome) => outcome.status !== 'failed' && isExcused(outcome));
  const failed = rest.filter((outcome) => !excused.includes(outcome));
  for (const { file, test } of excused) console.log(`not run here: ${file}: ${test}`);
  for (const { file, test, status } of failed) console.log(`${status}: ${file}: ${test}`);
  // Failing tests fail the test step too: it counts by itself only where no test explains it.
  const failures = Math.max(failed.length, failedSteps, missing.length);
  console.log(`${passed.length} passed, ${failures} failed`);
  return failures === 0 && passed.length > 0 ? 0 : 1;
}

const [failedSteps = '0', ...resultsFiles] = process.argv.slice(2);
process.exitCode = main(Number(failedSteps), resultsFiles);
