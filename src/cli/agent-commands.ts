/** The commands of who may be an agent. */

import type { Command } from 'commander';
import { addAgent, listAgents, revokeAgent } from './commands/agents.ts';
import { rotateAuthority, showAuthority, type RotateFlags } from './commands/ca.ts';
import { agentToken, inviteAgent, type AddFlags, type TokenFlags } from './commands/enrol.ts';
import type { CommandContext } from './context.ts';

type RunCommand = (act: (context: CommandContext) => Promise<number>) => Promise<void>;

export function agentCommands(program: Command, run: RunCommand): void {
  const agents = program
    .command('agents')
    .description('list the agents, the disconnected too')
    .allowExcessArguments()
    .action((_options: unknown, { args: [unknown] }: Command) =>
      unknown === undefined ? run(listAgents) : agents.error(`error: unknown command '${unknown}'`),
    );
  agents
    .command('add')
    .description('print the line that installs the agent of a cluster; its token counts once, for 24 h')
    .argument('<name>', 'the account that deployment files name')
    .option('--namespaces <names>', 'those it may deploy to, with commas between')
    .option('--values <file>', 'write values for Helm, and the token as a Secret beside them, instead')
    .option('--chart <reference>', "the agent's chart (default: what the orchestrator says)")
    .option('--image <repository>', "the agent's image, without its tag (default: what the orchestrator says)")
    .option('--out <file>', 'write a credential that lasts, instead: one file, no enrolment')
    .action((name: string, { out, ...flags }: AddFlags & { out?: string }) =>
      run((context) => (out === undefined ? inviteAgent(context, name, flags) : addAgent(context, name, out))),
    );
  agents
    .command('token')
    .description('make a further token for an agent that reaches the orchestrator through a proxy that ends TLS')
    .argument('<name>', 'as `sluice agents` lists it')
    .option('--out <file>', 'where to write it; standard output without')
    .option('--revoke-old', 'make none: of two, the older no longer counts')
    .action((name: string, flags: TokenFlags) => run((context) => agentToken(context, name, flags)));
  agents
    .command('revoke')
    .description("take an agent's credential away and end its session")
    .argument('<name>', 'as `sluice agents` lists it')
    .action((name: string) => run((context) => revokeAgent(context, name)));
  const ca = program
    .command('ca')
    .description('show the certificate authority of the agents')
    .allowExcessArguments()
    .action((_options: unknown, { args: [unknown] }: Command) =>
      unknown === undefined ? run(showAuthority) : ca.error(`error: unknown command '${unknown}'`),
    );
  ca.command('rotate')
    .description('put another authority in its place, without a visit to any cluster')
    .option('--finish', 'drop the old one, once no agent needs it')
    .option('--force', 'with --finish: though agents still need it; they have to be enrolled anew')
    .action((flags: RotateFlags) => run((context) => rotateAuthority(context, flags)));
}
