/** Prints, after a run, which test files took longest: where the next minute is to be saved. */

import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

/** How many files are listed. */
const COUNT = 20;

interface Timed {
  /** Relative to the repository. */
  file: string;
  /** From the moment a worker takes the file up to its last hook, milliseconds. */
  tookMs: number;
  tests: number;
}

export class SlowestFiles implements Reporter {
  readonly #begun = new Map<string, number>();
  readonly #timed: Timed[] = [];
  readonly #startMs = performance.now();

  onTestModuleQueued({ id }: TestModule): void {
    this.#begun.set(id, performance.now());
  }

  onTestModuleEnd(module: TestModule): void {
    const tookMs = performance.now() - (this.#begun.get(module.id) ?? performance.now());
    const tests = [...module.children.allTests()].length;
    this.#timed.push({ file: relative(process.cwd(), module.moduleId), tookMs, tests });
  }

  onTestRunEnd(): void {
    if (this.#timed.length < 2) return;
    console.log(slowest(this.#timed, performance.now() - this.#startMs));
  }
}

/** A table of the slowest files. @param wallMs what the whole run took. */
export function slowest(timed: readonly Timed[], wallMs: number): string {
  const sorted = timed.toSorted((one, other) => other.tookMs - one.tookMs).slice(0, COUNT);
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const rows = sorted.map(({ file, tookMs, tests }) => `${seconds(tookMs).padStart(9)}  ${file} (${tests})`);
  const sum = timed.reduce((total, { tookMs }) => total + tookMs, 0);
  const head = `Slowest of ${timed.length} files (tests in each); ${seconds(wallMs)} for ${seconds(sum)} of work:`;
  return ['', head, ...rows].join('\n');
}
