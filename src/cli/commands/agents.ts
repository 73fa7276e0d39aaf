/** `sluice agents`: which there are, and the credential of a new one. */

import { agentHints, agentTable, type Agent } from '../agent-list.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { ago } from '../output.ts';
import { writePrivately } from '../write-privately.ts';

interface Alert {
  message: string;
  count: number;
  lastAt: string;
}

export async function listAgents({ api, out, now }: CommandContext): Promise<number> {
  const { agents } = await api.get<{ agents: Agent[] }>('/v1/agents');
  const { alerts } = await api.get<{ alerts: Alert[] }>('/v1/alerts');
  if (out.json) out.value(agents);
  else if (agents.length === 0) out.line('No agent yet. Install one: sluice agents add NAME');
  else out.line(agentTable(agents, now()));
  const hints = out.json ? [] : agentHints(agents, now());
  if (hints.length > 0) out.line(['', ...hints].join('\n'));
  for (const { message, count, lastAt } of alerts) {
    out.note(`ALERT (${count === 1 ? '' : `${count} times, last `}${ago(lastAt, now())}): ${message}`);
  }
  return EXIT.succeeded;
}

/** A credential that lasts goes to a file that only its owner reads: it is shown this once. */
export async function addAgent({ api, out }: CommandContext, name: string, file: string): Promise<number> {
  await writePrivately(file, async () => {
    const { credential } = await api.post<{ credential: unknown }>('/v1/agents', { name });
    return `${JSON.stringify(credential, null, 2)}\n`;
  });
  if (out.json) out.value({ account: name, file });
  else {
    out.line(`The credential of ${name} is in ${file}. It is shown this once; a new one replaces it.`);
    out.line('Give it to the cluster, then install the agent:');
    out.line(`  kubectl create namespace sluice`);
    out.line(`  kubectl -n sluice create secret generic sluice-agent --from-file=credential.json=${file}`);
    out.line(
      `  helm install sluice-agent helm/agent -n sluice --set credential.existingSecret=sluice-agent --set 'allowedNamespaces={NAMESPACE}'`,
    );
  }
  return EXIT.succeeded;
}

export async function revokeAgent({ api, out }: CommandContext, name: string): Promise<number> {
  await api.remove(`/v1/agents/${encodeURIComponent(name)}`);
  if (out.json) out.value({ revoked: name });
  else out.line(`The credential of ${name} no longer counts; its session has ended.`);
  return EXIT.succeeded;
}
