/** The agent as a process of its own, as its container runs it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { node, programEnvironment, repository } from './child.ts';

export interface AgentProcess extends AsyncDisposable {
  pid: number;
  /** Both streams so far. */
  output: () => string;
  /** Resolves once the output matches. */
  says: (pattern: RegExp, timeoutMs?: number) => Promise<void>;
  exit: Promise<number | null>;
  kill: (signal: NodeJS.Signals) => void;
}

/** @param env its settings. */
export function startAgentProcess(env: Record<string, string>): AgentProcess {
  const child = spawn(node, [join(repository, 'src/agent/main.ts')], {
    env: { ...programEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exit = once(child, 'close').then(([code]) => code as number | null);
  return {
    pid: child.pid ?? 0,
    output: () => output,
    exit,
    kill: (signal) => child.kill(signal),
    async says(pattern, timeoutMs = 20_000) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = (): void => void (pattern.test(output) && resolve());
      const timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${pattern}\n${output}`)), timeoutMs);
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      look();
      await promise.finally(() => clearTimeout(timer));
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}
