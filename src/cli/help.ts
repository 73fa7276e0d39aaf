/** How the help reads: whole sentences, and with each command only what it takes. */

import { Help, type Command, type HelpConfiguration } from 'commander';

export const START_HELP = `
Begin with:
  sluice up                               an orchestrator on this machine
  sluice agents add NAME                  the agent of a cluster
  sluice deploy -f deploy.yaml --watch    a deployment

Every command has examples: sluice COMMAND --help`;

/** They run a program, and ask no API: the flags that say where it is mean nothing to them. */
const WITHOUT_API = new Set(['up', 'orchestrator', 'agent', 'validate']);
const API_FLAGS = new Set(['--server', '--token', '--ca']);

const plain = new Help();
plain.showGlobalOptions = true;

export const helpLayout: HelpConfiguration = {
  showGlobalOptions: true,
  commandDescription: (command) => {
    const text = command.description();
    return text === '' || text.endsWith('.') ? text : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  },
  visibleGlobalOptions: (command) =>
    plain
      .visibleGlobalOptions(command)
      .filter(({ long }) => long !== '--version' && !(asksNoApi(command) && API_FLAGS.has(long ?? ''))),
};

function asksNoApi(command: Command): boolean {
  if (command.parent === null) return false;
  return (command.parent.parent === null && WITHOUT_API.has(command.name())) || asksNoApi(command.parent);
}
