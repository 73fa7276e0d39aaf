/** `sluice orchestrator` and `sluice agent`: the programs themselves, with flags for what they read from the environment. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import type { CommandContext } from './context.ts';

export interface RunningProgram {
  child: ChildProcess;
  /** Its exit code. */
  ended: Promise<number>;
}

/** From the folder of the command line's own file. */
const FOLDERS = { agent: '../agent', orchestrator: '../orchestrator' };

/** A source in a checkout, a bundle in an image. */
function fileOf(program: keyof typeof FOLDERS): string {
  const own = realpathSync(process.argv[1] ?? '');
  return join(dirname(own), FOLDERS[program], `main${extname(own)}`);
}

/** Runs a program under this Node until it ends, passing signals on. @returns its exit code. */
export async function runProgram(
  context: CommandContext,
  program: 'agent' | 'orchestrator',
  settings: Record<string, string | undefined>,
  args: string[] = [],
): Promise<number> {
  const pretty: Record<string, string> = context.out.isTerminal ? { SLUICE_LOG_FORMAT: 'pretty' } : {};
  return startProgram(context, program, { pretty, settings, args, stdout: 'inherit' }).ended;
}

interface StartOptions {
  /** Under the environment's own. */
  pretty?: Record<string, string>;
  /** Over the environment's own. */
  settings: Record<string, string | undefined>;
  args?: string[];
  /** `pipe`: for whoever tells what it says; then Ctrl-C reaches it through here alone. */
  stdout: 'inherit' | 'pipe';
}

/** Starts a program under this Node; signals are passed on to it until it ends. */
export function startProgram(
  { environment }: CommandContext,
  program: 'agent' | 'orchestrator',
  { pretty = {}, settings, args = [], stdout }: StartOptions,
): RunningProgram {
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const env = { ...pretty, ...withoutOurs(environment), ...given };
  const detached = stdout === 'pipe';
  const stdio = [detached ? 'pipe' : 'inherit', stdout, 'inherit'] as const;
  // Its standard input ends with this process, however that ends.
  const all = [fileOf(program), ...args, ...(detached ? ['--until-stdin-ends'] : [])];
  const child = spawn(process.execPath, all, { stdio: [...stdio], env, detached });
  // A terminal's Ctrl-C reaches the child by itself; a supervisor's signal does not.
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  // With a terminal it would hear it twice, which means "now".
  const interrupt = process.stdin.isTTY && !detached ? (): void => {} : pass;
  const hangUp = (): void => void child.kill('SIGTERM');
  process.on('SIGTERM', pass).on('SIGINT', interrupt);
  if (detached) process.on('SIGHUP', hangUp);
  const ended = once(child, 'exit').then(([code]: (number | null)[]) => {
    process.off('SIGTERM', pass).off('SIGINT', interrupt).off('SIGHUP', hangUp);
    return code ?? 1;
  });
  return { child, ended };
}

/** What only the CLI reads would be an unknown setting to the program. */
function withoutOurs(environment: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([key]) => key !== 'SLUICE_URL' && key !== 'SLUICE_TOKEN' && key !== 'SLUICE_CA_FILE',
    ),
  );
}
