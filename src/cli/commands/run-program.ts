/** `sluice orchestrator` and `sluice agent`: the programs themselves, with flags for what they read from the environment. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import type { CommandContext } from '../context.ts';

/** Beside the command line's own: a source in a checkout, a bundle in an image. */
function fileOf(program: string): string {
  const own = realpathSync(process.argv[1] ?? '');
  return join(dirname(own), '..', program, `main${extname(own)}`);
}

/** Runs a program under this Node until it ends, passing signals on. @returns its exit code. */
export async function runProgram(
  { environment, out }: CommandContext,
  program: 'agent' | 'orchestrator',
  settings: Record<string, string | undefined>,
): Promise<number> {
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const pretty = out.isTerminal ? { SLUICE_LOG_FORMAT: 'pretty' } : {};
  const env = { ...pretty, ...withoutOurs(environment), ...given };
  const child = spawn(process.execPath, [fileOf(program)], { stdio: 'inherit', env });
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
    Object.entries(environment).filter(
      ([key]) => key !== 'SLUICE_URL' && key !== 'SLUICE_TOKEN' && key !== 'SLUICE_CA_FILE',
    ),
  );
}
