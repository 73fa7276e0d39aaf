/** What agent and orchestrator are told on their command line: nothing, or to look at themselves (`doctor`). Pure. */

import { parseArgs } from 'node:util';
import { SluiceError, messageOf } from './errors.ts';

export type ProgramArguments = { command: 'run' } | { command: 'doctor'; json: boolean };

/** @param given what follows the file's name. @throws SluiceError CONFIG */
export function readArguments(given: readonly string[]): ProgramArguments {
  const { command = 'run', output, more } = parse(given);
  if (command !== 'run' && command !== 'doctor') throw wrong(`${command} is none of its commands`);
  if (more.length > 0) throw wrong(`it takes no ${more.join(' ')}`);
  if (output !== undefined && output !== 'json' && output !== 'text') throw wrong('--output is text or json');
  if (command === 'run' && output !== undefined) throw wrong('--output is for doctor');
  return command === 'run' ? { command } : { command, json: output === 'json' };
}

function parse(given: readonly string[]): { command?: string; output?: string; more: string[] } {
  try {
    const options = { output: { type: 'string', short: 'o' } } as const;
    const { values, positionals } = parseArgs({ args: [...given], options, allowPositionals: true });
    const [command, ...more] = positionals;
    return { ...(command !== undefined && { command }), ...values, more };
  } catch (error) {
    throw wrong(messageOf(error));
  }
}

function wrong(why: string): SluiceError {
  const message = `Wrong arguments: ${why}. Without any the program runs, configured by its environment; \`doctor\`, with \`--output json\` if a program reads it, looks at what it rests on.`;
  return new SluiceError('CONFIG', message, { disposition: 'stalled' });
}
