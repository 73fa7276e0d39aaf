/** The commands and their flags. */

import { Command, InvalidArgumentError, Option } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { accessCommands } from './access-commands.ts';
import { agentCommands } from './agent-commands.ts';
import { abort, approve } from './commands/control.ts';
import { deploy, type DeployOptions } from './commands/deploy.ts';
import { status } from './commands/status.ts';
import { watch, type WatchFlags } from './commands/watch.ts';
import { validate, type ValidateOptions } from './commands/validate.ts';
import type { CommandContext } from './context.ts';
import { examplesOf } from './examples.ts';
import { EXIT_HELP } from './exit-code.ts';
import { START_HELP, helpLayout } from './help.ts';
import { programCommands } from './program-commands.ts';

export interface GlobalOptions {
  server: string;
  token?: string;
  ca?: string;
  output: 'text' | 'json';
}

/** Commands whose exit code is how a deployment ended. */
const OUTCOMES = new Set(['deploy', 'watch']);

/** How a deployment is named. */
const ID = 'its id, the beginning of it, or an application (its newest)';

const many = (value: string, earlier: string[] | undefined): string[] => [...(earlier ?? []), value];

/**
 * @param contextOf makes what a command needs of the global options.
 * @param ended is told the exit code of the command that ran.
 */
export function buildProgram(
  contextOf: (options: GlobalOptions) => CommandContext,
  ended: (code: number) => void,
): Command {
  const program = new Command('sluice')
    .description('Ships new versions to Kubernetes, a little traffic at a time.')
    .version(packageJson.version)
    .configureHelp(helpLayout)
    .addOption(serverOption('the orchestrator').env('SLUICE_URL').default('http://127.0.0.1:8080'))
    .addOption(new Option('--token <token>', 'of an API that asks for one').env('SLUICE_TOKEN'))
    .addOption(
      new Option('--ca <file>', 'the authority that signed its certificate, PEM, beside those of this machine').env(
        'SLUICE_CA_FILE',
      ),
    )
    .addOption(
      new Option('-o, --output <format>', 'for people or for programs').choices(['text', 'json']).default('text'),
    )
    .addHelpText('after', START_HELP)
    .addHelpText('after', EXIT_HELP);
  const run = async (act: (context: CommandContext) => Promise<number>): Promise<void> => {
    const context = contextOf(program.opts<GlobalOptions>());
    ended(await act({ ...context, api: context.api.until(context.signal) }));
  };
  program.commandsGroup('Deployments:');
  deploymentCommands(program, run);
  program.commandsGroup('Agents and access:');
  agentCommands(program, run);
  accessCommands(program, run);
  program.commandsGroup('Running it:');
  programCommands(program, run);
  const help = new Command('help').argument('[command]').description('the help of a command');
  program.addHelpCommand(help.helpGroup('Running it:'));
  // A flag of all commands may stand after the command's name, where people put it.
  for (const command of allOf(program)) {
    if (command !== program) addGlobals(command, program);
    command.showHelpAfterError(`(${pathOf(command)} --help says what there is)`);
    command.addHelpText('after', examplesOf(pathOf(command)));
  }
  for (const command of program.commands) {
    if (OUTCOMES.has(command.name())) command.addHelpText('after', EXIT_HELP);
  }
  return program;
}

const EXIT_WHEN_STALLED: [string, string] = [
  '--exit-when-stalled',
  'stop watching with exit code 8 when it stays stalled (needs a person); the default where CI is set',
];
const WAIT_WHEN_STALLED: [string, string] = ['--no-exit-when-stalled', 'wait for that person, in CI too'];

type RunCommand = (act: (context: CommandContext) => Promise<number>) => Promise<void>;

function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)];
}

/** `sluice agents add` */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function serverOption(description?: string): Option {
  return new Option('--server <url>', description).argParser((value) => {
    if (/^https?:\/\/[^/]/.test(value) && URL.canParse(value)) return value;
    throw new InvalidArgumentError('Must be an address such as http://127.0.0.1:8080');
  });
}

function addGlobals(command: Command, program: Command): void {
  command.addOption(new Option('-o, --output <format>').choices(['text', 'json']).hideHelp());
  command.addOption(serverOption().hideHelp());
  command.addOption(new Option('--token <token>').hideHelp());
  command.addOption(new Option('--ca <file>').hideHelp());
  command.hook('preAction', () => {
    for (const name of ['output', 'server', 'token', 'ca']) {
      if (command.getOptionValueSource(name) === 'cli') program.setOptionValue(name, command.getOptionValue(name));
    }
  });
}

function deploymentCommands(program: Command, run: RunCommand): void {
  program
    .command('validate')
    .description('check a deployment file and its manifests; needs no orchestrator')
    .requiredOption('-f, --file <path>', 'deployment file')
    .option('-n, --application <name>', 'instead of the name in the file')
    .option('--add-context <pairs>', 'context variables KEY=VALUE,…; go over those of the file', many)
    .action((options: ValidateOptions) => run((context) => validate(context, options)));
  program
    .command('deploy')
    .description('begin a deployment')
    .requiredOption('-f, --file <path>', 'deployment file')
    .option('-w, --watch', 'stay until it is over; Ctrl-C leaves it running')
    .option(...EXIT_WHEN_STALLED)
    .option(...WAIT_WHEN_STALLED)
    .option('-n, --application <name>', 'instead of the name in the file')
    .option('--add-context <pairs>', 'context variables KEY=VALUE,…; go over those of the file', many)
    .action((options: DeployOptions) => run((context) => deploy(context, options)));
  program
    .command('status')
    .description('list the newest deployments, or look at one')
    .argument('[id]', `${ID}; the newest deployments without`)
    .action((id: string | undefined) => run((context) => status(context, id)));
  program
    .command('watch')
    .description('follow a deployment until it is over; its outcome is the exit code')
    .argument('<id>', ID)
    .option(...EXIT_WHEN_STALLED)
    .option(...WAIT_WHEN_STALLED)
    .action((id: string, options: WatchFlags) => run((context) => watch(context, id, options)));
  program
    .command('approve')
    .description('let a deployment that waits for a person go on')
    .argument('<id>', ID)
    .option('--target <name>', 'only this target')
    .action((id: string, { target }: { target?: string }) => run((context) => approve(context, id, target)));
  program
    .command('abort')
    .description('roll a deployment back: traffic first')
    .argument('<id>', ID)
    .option('--reason <text>', 'written down with it')
    .action((id: string, { reason = '' }: { reason?: string }) => run((context) => abort(context, id, reason)));
}
