/** The commands and their flags. */

import { Command, InvalidArgumentError, Option } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { accessCommands } from './access-commands.ts';
import { abort, approve } from './commands/control.ts';
import { addAgent, listAgents, revokeAgent } from './commands/agents.ts';
import { deploy, type DeployOptions } from './commands/deploy.ts';
import { runProgram } from './commands/run-program.ts';
import { status } from './commands/status.ts';
import { watch, type WatchFlags } from './commands/watch.ts';
import { validate, type ValidateOptions } from './commands/validate.ts';
import type { CommandContext } from './context.ts';
import { EXIT_HELP } from './exit-code.ts';

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
    .configureHelp({ showGlobalOptions: true })
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
    .addHelpText('after', EXIT_HELP);
  const run = async (act: (context: CommandContext) => Promise<number>): Promise<void> => {
    const context = contextOf(program.opts<GlobalOptions>());
    ended(await act({ ...context, api: context.api.until(context.signal) }));
  };
  deploymentCommands(program, run);
  agentCommands(program, run);
  accessCommands(program, run);
  programCommands(program, run);
  // A flag of all commands may stand after the command's name, where people put it.
  for (const command of allOf(program)) {
    if (command !== program) addGlobals(command, program);
    command.showHelpAfterError(`(${pathOf(command)} --help says what there is)`);
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
  command.hook('preAction', (_program, action) => {
    for (const name of ['output', 'server', 'token', 'ca']) {
      if (action.getOptionValueSource(name) === 'cli') program.setOptionValue(name, action.getOptionValue(name));
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

function agentCommands(program: Command, run: RunCommand): void {
  const agents = program
    .command('agents')
    .description('list the agents, the disconnected too')
    .allowExcessArguments()
    .action((_options: unknown, { args: [unknown] }: Command) =>
      unknown === undefined ? run(listAgents) : agents.error(`error: unknown command '${unknown}'`),
    );
  agents
    .command('add')
    .description('make a credential for the agent of a cluster')
    .argument('<name>', 'the account that deployment files name')
    .option('--out <file>', 'where to write it; standard output without')
    .action((name: string, { out }: { out?: string }) => run((context) => addAgent(context, name, out)));
  agents
    .command('revoke')
    .description("take an agent's credential away and end its session")
    .argument('<name>', 'as `sluice agents` lists it')
    .action((name: string) => run((context) => revokeAgent(context, name)));
}

interface LogFlags {
  logFormat?: string;
  logLevel?: string;
}

interface OrchestratorFlags extends LogFlags {
  dataDir?: string;
  databaseUrl?: string;
  api?: string;
  apiPublicUrl?: string;
  apiAuth?: string;
  apiTls?: string;
  apiTlsCertFile?: string;
  apiTlsKeyFile?: string;
  agents?: string;
  agentsPublic?: string;
  plaintextAgents?: boolean;
  metricProvider?: string[];
  retentionDays?: string;
  workRetentionDays?: string;
}

interface AgentFlags extends LogFlags {
  credential?: string;
  address?: string;
  kubeconfig?: string;
  namespaces?: string;
  insecureLoopback?: boolean;
}

function programCommands(program: Command, run: RunCommand): void {
  withLogFlags(program.command('orchestrator'))
    .description('run the orchestrator, with its own PostgreSQL unless you name yours')
    .option('--data-dir <folder>', 'where it keeps everything (default: ~/.local/share/sluice)')
    .option('--database-url <url>', 'your own PostgreSQL')
    .option('--api <host:port>', 'where the API is served (default: 127.0.0.1:8080)')
    .option('--api-public-url <url>', 'as people reach it; its host is written into the certificate')
    .option('--api-auth <auto|required>', 'required: a token is asked for on loopback too (default: auto)')
    .option('--api-tls <auto|off>', 'auto: TLS unless it is served on loopback (default: auto)')
    .option(
      '--api-tls-cert-file <file>',
      'your own certificate instead of the built-in authority, PEM; read again when it changes',
    )
    .option('--api-tls-key-file <file>', 'its key, PEM')
    .option('--agents <host:port>', 'where agents are served (default: 127.0.0.1:8443)')
    .option('--agents-public <host:port>', 'as agents reach it; written into credentials')
    .option('--plaintext-agents', 'no TLS; on loopback only')
    .option('--metric-provider <name=url>', 'a Prometheus; any number of times', many)
    .option('--retention-days <days>', 'how long deployments are kept with their events after their end (default: 90)')
    .option('--work-retention-days <days>', "how long their runs' steps and operations are (default: 7)")
    .action((flags: OrchestratorFlags) =>
      run((context) =>
        runProgram(context, 'orchestrator', {
          SLUICE_DATA_DIR: flags.dataDir,
          DATABASE_URL: flags.databaseUrl,
          SLUICE_API_ADDRESS: flags.api,
          SLUICE_API_PUBLIC_URL: flags.apiPublicUrl,
          SLUICE_API_AUTH: flags.apiAuth,
          SLUICE_API_TLS: flags.apiTls,
          SLUICE_API_TLS_CERT_FILE: flags.apiTlsCertFile,
          SLUICE_API_TLS_KEY_FILE: flags.apiTlsKeyFile,
          SLUICE_AGENT_ADDRESS: flags.agents,
          SLUICE_AGENT_PUBLIC_ADDRESS: flags.agentsPublic,
          SLUICE_AGENT_PLAINTEXT: flags.plaintextAgents === true ? '1' : undefined,
          SLUICE_METRIC_PROVIDERS: flags.metricProvider?.join(','),
          SLUICE_RETENTION_DAYS: flags.retentionDays,
          SLUICE_WORK_RETENTION_DAYS: flags.workRetentionDays,
          ...logSettings(flags),
        }),
      ),
    );
  withLogFlags(program.command('agent'))
    .description('run an agent outside a cluster: for trying, and for developing it')
    .option('--credential <file>', 'as `sluice agents add NAME --out FILE` writes it')
    .option('--address <host:port>', "the orchestrator's, instead of the one in the credential")
    .option('--kubeconfig <file>', 'whose cluster it is to work on')
    .option('--namespaces <names>', 'those it may touch, with commas between')
    .option('--insecure-loopback', 'no TLS; to a loopback address only')
    .action((flags: AgentFlags) =>
      run((context) =>
        runProgram(context, 'agent', {
          SLUICE_CREDENTIAL_FILE: flags.credential,
          SLUICE_SERVER: flags.address,
          SLUICE_KUBECONFIG: flags.kubeconfig,
          SLUICE_ALLOWED_NAMESPACES: flags.namespaces,
          SLUICE_INSECURE_LOOPBACK: flags.insecureLoopback === true ? '1' : undefined,
          ...logSettings(flags),
        }),
      ),
    );
}

function withLogFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--log-format <format>', 'lines for programs or for people (default: pretty on a terminal)').choices([
        'json',
        'pretty',
      ]),
    )
    .addOption(
      new Option('--log-level <level>', 'the least that is told (default: info)').choices([
        'debug',
        'info',
        'warn',
        'error',
        'silent',
      ]),
    );
}

function logSettings({ logFormat, logLevel }: LogFlags): Record<string, string | undefined> {
  return { SLUICE_LOG_FORMAT: logFormat, SLUICE_LOG_LEVEL: logLevel };
}
