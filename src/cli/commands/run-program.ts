/** `sluice orchestrator` and `sluice agent`: the programs themselves, with flags for what they read from the environment. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { CommandContext } from '../context.ts';

const SOURCE = join(import.meta.dirname, '../..');

/** Runs a program under this Node until it ends, passing signals on. @returns its exit code. */
export async function runProgram(
  { environment, out }: CommandContext,
  program: 'agent' | 'orchestrator',
  settings: Record<string, string | undefined>,
): Promise<number> {
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const pretty = out.isTerminal ? { SLUICE_LOG_FORMAT: 'pretty' } : {};
  const env = { ...pretty, ...withoutOurs(environment), ...given };
  const child = spawn(process.execPath, [join(SOURCE, program, 'main.ts')], { stdio: 'inherit', env });
  // A terminal's Ctrl-C reaches the child by itself; a supervisor's signal does not.
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  // With a terminal it would hear it twice, which means "now".
  const interrupt = process.stdin.isTTY ? (): void => {} : pass;
  process.on('SIGTERM', pass).on('SIGINT', interrupt);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGTERM', pass).off('SIGINT', interrupt);
  return code ?? 1;
}

/** What only the CLI reads would be an unknown setting to the program. */
function withoutOurs(environment: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(environment).filter(([key]) => key !== 'SLUICE_URL' && key !== 'SLUICE_TOKEN'),
  );
}
