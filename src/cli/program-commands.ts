/** The commands that run the programs themselves, and the ones that look at them: `up`, `orchestrator`, `agent`, `doctor`. */

import { InvalidArgumentError, Option, type Command } from 'commander';
import { doctor } from './commands/doctor.ts';
import { runProgram } from './run-program.ts';
import { up, type UpFlags } from './commands/up.ts';
import type { CommandContext } from './context.ts';

type RunCommand = (act: (context: CommandContext) => Promise<number>) => Promise<void>;

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
  agentsBehindProxy?: boolean;
  agentsTlsCertFile?: string;
  agentsTlsKeyFile?: string;
  agentsCaFile?: string;
  agentCertificateDays?: string;
  metricProvider?: string[];
  drainSeconds?: string;
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

const many = (value: string, earlier: string[] | undefined): string[] => [...(earlier ?? []), value];

const DOCTOR_EXIT = `
Exit codes:
    0  all well, warnings aside
    1  something does not work`;

export function programCommands(program: Command, run: RunCommand): void {
  upCommand(program, run);
  orchestratorCommands(program, run);
  agentCommands(program, run);
  program
    .command('doctor')
    .description('look at the orchestrator from here: reachable, TLS, token, versions, clock, agents, alerts')
    .action(() => run(doctor))
    .addHelpText('after', DOCTOR_EXIT)
    .addHelpText(
      'after',
      `
What a program itself rests on: sluice orchestrator doctor, sluice agent doctor; in a cluster: helm test RELEASE.`,
    );
}

function upCommand(program: Command, run: RunCommand): void {
  program
    .command('up')
    .description('start an orchestrator on this machine, and say how the first agent gets to it')
    .option('--data-dir <folder>', 'where it keeps everything (default: ~/.local/share/sluice)')
    .option(
      '--address <host:port>',
      'as agents in a cluster reach this machine (default: its first address, port 8443)',
      hostPort,
    )
    .option('--api <host:port>', 'where the API is served, on loopback (default: 127.0.0.1:8080)', loopback)
    .option('--agent <name>', 'of the first agent: the account that deployment files name', 'local')
    .option('--namespaces <names>', 'those the first agent may touch, with commas between', 'default')
    .option('--verbose', 'every line of its log, not only what needs a person')
    .action((flags: UpFlags) => run((context) => up(context, flags)))
    .addHelpText(
      'after',
      `
It stays in the foreground; Ctrl-C stops it, and the next start goes on with the same data.`,
    );
}

function orchestratorCommands(program: Command, run: RunCommand): void {
  const orchestrator = program
    .command('orchestrator')
    .description('run the orchestrator, with its own PostgreSQL unless you name yours');
  withOrchestratorFlags(orchestrator).action((flags: OrchestratorFlags) =>
    run((context) => runProgram(context, 'orchestrator', orchestratorSettings(flags))),
  );
  // Its flags are the orchestrator's own, which the help lists as such.
  orchestrator
    .command('doctor')
    .description('look at what an orchestrator with these settings rests on; safe beside one that runs')
    .action((_flags: OrchestratorFlags, command: Command) =>
      run((context) =>
        runProgram(context, 'orchestrator', orchestratorSettings(command.optsWithGlobals()), doctorArguments(context)),
      ),
    )
    .addHelpText('after', DOCTOR_EXIT);
}

function agentCommands(program: Command, run: RunCommand): void {
  const agent = program
    .command('agent')
    .description('run an agent outside a cluster: for trying, and for developing it');
  withAgentFlags(agent).action((flags: AgentFlags) =>
    run((context) => runProgram(context, 'agent', agentSettings(flags))),
  );
  agent
    .command('doctor')
    .description('look at what an agent with these settings rests on; one that runs keeps its session')
    .action((_flags: AgentFlags, command: Command) =>
      run((context) =>
        runProgram(context, 'agent', agentSettings(command.optsWithGlobals()), doctorArguments(context)),
      ),
    )
    .addHelpText('after', DOCTOR_EXIT);
}

function doctorArguments({ out }: CommandContext): string[] {
  return ['doctor', '--output', out.json ? 'json' : 'text'];
}

function withOrchestratorFlags(command: Command): Command {
  command
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
    .option('--plaintext-agents', 'no TLS; on loopback only, or with the next')
    .option('--agents-behind-proxy', 'a proxy before it ends TLS: agents prove themselves by tokens')
    .option(
      '--agents-tls-cert-file <file>',
      "your own certificate for the agents' port, PEM, read anew when it changes",
    )
    .option('--agents-tls-key-file <file>', 'its key, PEM')
    .option(
      '--agents-ca-file <file>',
      'the authority of the certificate that agents see, PEM; their system knows it without',
    )
    .option('--agent-certificate-days <days>', "how long an agent's certificate counts (default: 30)")
    .option('--metric-provider <name=url>', 'a Prometheus; any number of times', many)
    .option(
      '--drain-seconds <seconds>',
      'once traffic has moved away from pods, how long their last requests have before the pods are removed (default: 3)',
    )
    .option('--retention-days <days>', 'how long deployments are kept with their events after their end (default: 90)')
    .option('--work-retention-days <days>', "how long their runs' steps and operations are (default: 7)");
  return withLogFlags(command);
}

function orchestratorSettings(flags: OrchestratorFlags): Record<string, string | undefined> {
  return {
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
    SLUICE_AGENT_BEHIND_PROXY: flags.agentsBehindProxy === true ? '1' : undefined,
    SLUICE_AGENT_TLS_CERT_FILE: flags.agentsTlsCertFile,
    SLUICE_AGENT_TLS_KEY_FILE: flags.agentsTlsKeyFile,
    SLUICE_AGENT_CA_FILE: flags.agentsCaFile,
    SLUICE_AGENT_CERTIFICATE_DAYS: flags.agentCertificateDays,
    SLUICE_METRIC_PROVIDERS: flags.metricProvider?.join(','),
    SLUICE_DRAIN_SECONDS: flags.drainSeconds,
    SLUICE_RETENTION_DAYS: flags.retentionDays,
    SLUICE_WORK_RETENTION_DAYS: flags.workRetentionDays,
    ...logSettings(flags),
  };
}

function withAgentFlags(command: Command): Command {
  command
    .option('--credential <file>', 'as `sluice agents add NAME --out FILE` writes it')
    .option('--address <host:port>', "the orchestrator's, instead of the one in the credential")
    .option('--kubeconfig <file>', 'whose cluster it is to work on')
    .option('--namespaces <names>', 'those it may touch, with commas between')
    .option('--insecure-loopback', 'no TLS; to a loopback address only');
  return withLogFlags(command);
}

function agentSettings(flags: AgentFlags): Record<string, string | undefined> {
  return {
    SLUICE_CREDENTIAL_FILE: flags.credential,
    SLUICE_SERVER: flags.address,
    SLUICE_KUBECONFIG: flags.kubeconfig,
    SLUICE_ALLOWED_NAMESPACES: flags.namespaces,
    SLUICE_INSECURE_LOOPBACK: flags.insecureLoopback === true ? '1' : undefined,
    ...logSettings(flags),
  };
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

function hostPort(value: string): string {
  if (/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/.test(value)) return value;
  throw new InvalidArgumentError('Must be host:port, without a scheme, such as 192.168.1.20:8443');
}

function loopback(value: string): string {
  if (/^(127\.|localhost:|\[::1\])/.test(hostPort(value))) return value;
  throw new InvalidArgumentError(
    'Must be on loopback, such as 127.0.0.1:8080. For others serve it by: sluice orchestrator',
  );
}
