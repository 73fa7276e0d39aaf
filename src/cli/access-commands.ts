/** The commands of who may use the API, and what was done with it. */

import { Option, type Command } from 'commander';
import { audit, type AuditFlags } from './commands/audit.ts';
import { addToken, listTokens, revokeToken, type NewTokenOptions } from './commands/tokens.ts';
import type { CommandContext } from './context.ts';

const many = (value: string, earlier: string[] | undefined): string[] => [...(earlier ?? []), value];

export function accessCommands(
  program: Command,
  run: (act: (context: CommandContext) => Promise<number>) => Promise<void>,
): void {
  const tokens = program
    .command('tokens')
    .description('list the tokens of the API, the revoked too')
    .allowExcessArguments()
    .action((_options: unknown, { args: [unknown] }: Command) =>
      unknown === undefined ? run(listTokens) : tokens.error(`error: unknown command '${unknown}'`),
    );
  tokens
    .command('add')
    .description('make a token for a person or a pipeline; it is shown this once')
    .argument('<name>', 'whose it is: it stands in the audit and in what a deployment tells')
    .addOption(
      new Option('--role <role>', 'each may what those before it may')
        .choices(['viewer', 'deployer', 'approver', 'admin'])
        .makeOptionMandatory(),
    )
    .option('--application <name>', 'only this one; any number of times', many)
    .option('--as-role <name>', 'may approve what `requiresRoles` of a pause names so; any number of times', many)
    .option('--expires <span>', 'when it ends, such as 12h or 90d; never without')
    .action((name: string, options: NewTokenOptions) => run((context) => addToken(context, name, options)));
  tokens
    .command('revoke')
    .description('end a token, and the streams it has open')
    .argument('<name>', 'as `sluice tokens` lists it')
    .action((name: string) => run((context) => revokeToken(context, name)));
  program
    .command('audit')
    .description('list what was changed through the API: who, what, when, from where')
    .option('--since <span>', 'how far back, such as 12h or 30d', '24h')
    .action((flags: AuditFlags) => run((context) => audit(context, flags)));
}
