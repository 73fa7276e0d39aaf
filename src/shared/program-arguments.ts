/** What agent and orchestrator are told on their command line: how to log, or to look at themselves (`doctor`). Pure. */

import { parseArgs } from 'node:util';
import { SluiceError, messageOf } from './errors.ts';

export type ProgramArguments =
  | {
      command: 'run';
      /** Variables that go over those of the environment; absent: none. */
      settings?: Record<string, string>;
      /** Whoever started it holds its standard input; when that ends, so does it. Absent: it looks at none. */
      untilStdinEnds?: true;
    }
  | { command: 'doctor'; json: boolean };

/** @param given what follows the file's name. @throws SluiceError CONFIG */
export function readArguments(given: readonly string[]): ProgramArguments {
  const { command = 'run', output, more, settings, untilStdinEnds } = parse(given);
  if (command !== 'run' && command !== 'doctor') throw wrong(`${command} is none of its commands`);
  if (more.length > 0) throw wrong(`it takes no ${more.join(' ')}`);
  if (output !== undefined && output !== 'json' && output !== 'text') throw wrong('--output is text or json');
  if (command === 'run' && output !== undefined) throw wrong('--output is for doctor');
  const isPlain = Object.keys(settings).length === 0;
  if (command === 'doctor') {
    if (!isPlain || untilStdinEnds) throw wrong('doctor takes --output alone');
    return { command, json: output === 'json' };
  }
  return { command, ...(!isPlain && { settings }), ...(untilStdinEnds && { untilStdinEnds }) };
}

interface Given {
  command?: string;
  output?: string;
  settings: Record<string, string>;
  untilStdinEnds: boolean;
  more: string[];
}

function parse(given: readonly string[]): Given {
  try {
    const options = {
      output: { type: 'string', short: 'o' },
      'log-format': { type: 'string' },
      'log-level': { type: 'string' },
      'until-stdin-ends': { type: 'boolean' },
    } as const;
    const { values, positionals } = parseArgs({ args: [...given], options, allowPositionals: true });
    const [command, ...more] = positionals;
    const { output, 'log-format': format, 'log-level': level } = values;
    const settings = {
      ...(format !== undefined && { SLUICE_LOG_FORMAT: format }),
      ...(level !== undefined && { SLUICE_LOG_LEVEL: level }),
    };
    return {
      ...(command !== undefined && { command }),
      ...(output !== undefined && { output }),
      settings,
      untilStdinEnds: values['until-stdin-ends'] === true,
      more,
    };
  } catch (error) {
    throw wrong(messageOf(error));
  }
}

function wrong(why: string): SluiceError {
  const message = `Wrong arguments: ${why}. Without any the program runs, configured by its environment (over which \`--log-format json|pretty\` and \`--log-level\` go); \`doctor\`, with \`--output json\` if a program reads it, looks at what it rests on.`;
  return new SluiceError('CONFIG', message, { disposition: 'stalled' });
}
