/** A program of ours as a child process: started from its source, its log kept, waited for, ended. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const repository = join(import.meta.dirname, '../..');
/** Node 24, also where this runs under another. */
export const node = join(repository, 'node_modules/.bin/node');

/** What every program of ours is given of this process's environment; compiled code is kept from one start to the next. */
export function programEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '/root', NODE_COMPILE_CACHE } = process.env;
  return { PATH, HOME, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };
}

export interface ChildOptions {
  /** For its log and pid file. */
  name: string;
  folder: string;
  /** Node's arguments: a script and what it is given. */
  args: string[];
  env: Record<string, string>;
}

/** Standard output and error go to `<folder>/<name>.log`, across restarts. */
export class Child {
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  get logFile(): string {
    return join(this.#options.folder, `${this.#options.name}.log`);
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error(`${this.#options.name} is not running.`);
    return pid;
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** How it ended; undefined while it runs. */
  get exit(): number | NodeJS.Signals | undefined {
    return this.#process?.exitCode ?? this.#process?.signalCode ?? undefined;
  }

  log(): string {
    return readFileSync(this.logFile, { encoding: 'utf8', flag: 'a+' });
  }

  async start(): Promise<void> {
    const { name, folder, args, env } = this.#options;
    const output = createWriteStream(this.logFile, { flags: 'a' });
    await once(output, 'open');
    const child = spawn(node, args, {
      cwd: repository,
      env: { ...programEnvironment(), ...env },
      stdio: ['ignore', output, output],
    });
    this.#process = child;
    this.#exited = once(child, 'exit').finally(() => output.destroy());
    await once(child, 'spawn');
    writeFileSync(join(folder, `${name}.pid`), String(child.pid));
  }

  /**
   * Asks every 20 ms until `probe` gives something.
   * @throws when the process ends first, or after `timeoutMs`, with the end of its log.
   */
  async until<T>(what: string, probe: () => Promise<T | undefined> | T | undefined, timeoutMs = 60_000): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = await probe();
      if (found !== undefined) return found;
      if (!this.isRunning)
        throw new Error(`${this.#options.name} ended (${this.exit}) before ${what}.\n${this.#tail()}`);
      if (performance.now() > deadline) {
        throw new Error(`${this.#options.name}: ${timeoutMs / 1000} s in vain for ${what}.\n${this.#tail()}`);
      }
      await delay(20);
    }
  }

  #tail(): string {
    return this.log().slice(-4000);
  }

  /** As a crash: nothing of it runs any more when this returns. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** As an operator, or a person's Ctrl-C (SIGINT); after 20 s an error with the end of its log. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.isRunning) return;
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      this.#process?.kill('SIGKILL');
    }, 20_000);
    await this.#end(signal);
    // Not left to go off: by then another process may run in this one's place.
    clearTimeout(late);
    if (isLate) throw new Error(`${this.#options.name} did not end within 20 s of ${signal}.\n${this.#tail()}`);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.isRunning) this.#process?.kill(signal);
    await this.#exited;
    rmSync(join(this.#options.folder, `${this.#options.name}.pid`), { force: true });
  }
}
