/** A program of ours that tells its memory after a collection, and its descriptors, when it is asked. */

import { fork } from 'node:child_process';
import type { ChildProcess, Serializable } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { node, repository } from './child.ts';

export interface Holdings {
  rss: number;
  heapUsed: number;
  external: number;
  descriptors: number;
}

export class MeasuredProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** @param script from the root of the repository. @param env all of its environment but PATH. */
  constructor(script: string, args: string[], env: Record<string, string> = {}) {
    this.#child = fork(join(repository, script), args, {
      execPath: node,
      execArgv: ['--expose-gc', '--import', join(import.meta.dirname, 'memory-report.ts')],
      cwd: repository,
      env: { PATH: process.env['PATH'] ?? '', ...env, SLUICE_TEST_REPORT_FD: '4' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc', 'pipe'],
    });
    this.#lines = createInterface({ input: this.#child.stdio[4] as Readable })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it sent first over IPC. */
  async firstMessage<T>(): Promise<T> {
    const [message] = (await Promise.race([
      once(this.#child, 'message'),
      once(this.#child, 'exit').then(([code]) => {
        throw new Error(`It ended with ${String(code)}.`);
      }),
    ])) as [T];
    return message;
  }

  tell(message: Serializable): void {
    this.#child.send(message);
  }

  async report(): Promise<Holdings> {
    this.#child.kill('SIGUSR2');
    const { value } = await this.#lines.next();
    return JSON.parse(String(value)) as Holdings;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
