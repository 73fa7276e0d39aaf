/** The two ends of the link as processes that can be stopped, killed and started anew. */

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { node, repository } from '../child.ts';
import type { FromHolder, ToHolder } from './hub-holder.ts';

export class HubProgram {
  port = 0;
  readonly failures: string[] = [];
  #child: ChildProcess | undefined;
  #args: string[];

  /** @param folder its own. @param databaseUrl of a PostgreSQL that outlives it. */
  constructor(folder: string, databaseUrl: string, token: string) {
    this.#args = [folder, databaseUrl, token];
  }

  async start(): Promise<void> {
    const child = fork(join(import.meta.dirname, 'hub-holder.ts'), this.#args, {
      execPath: node,
      cwd: repository,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'json',
    });
    this.#child = child;
    child.on('message', (message: FromHolder) => {
      if ('ready' in message) this.port = message.ready;
      else this.failures.push(message.failed);
    });
    this.port = 0;
    while (this.port === 0) {
      await Promise.race([once(child, 'message'), once(child, 'exit')]);
      if (child.exitCode !== null) throw new Error(`The hub ended with ${child.exitCode}.`);
    }
  }

  execute(message: ToHolder): void {
    this.#child?.send(message, () => undefined);
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
