/** The command line as a process of its own, from its source. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { node, programEnvironment, repository } from './child.ts';

interface CliEnd {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface CliProcess {
  child: ChildProcess;
  ended: Promise<CliEnd>;
}

/** @param environment instead of this process's own, of which only PATH and HOME are kept. */
export function startCli(args: string[], environment: Record<string, string> = {}): CliProcess {
  const child = spawn(node, [join(repository, 'src/cli/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...programEnvironment(), ...environment },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, ...output })) };
}
