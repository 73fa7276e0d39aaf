/** `sluice agents`: which there are, and the credential of a new one. */

import { open, rename, rm } from 'node:fs/promises';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { ago, table } from '../output.ts';

interface Agent {
  account: string;
  connected: boolean;
  revokedAt: string | null;
  connectedAt: string | null;
  disconnectedAt: string | null;
  disconnectReason: string | null;
  agentVersion: string | null;
  kubernetesVersion: string | null;
  namespaces: string[];
}

interface Alert {
  message: string;
  count: number;
  lastAt: string;
}

export async function listAgents({ api, out, now }: CommandContext): Promise<number> {
  const { agents } = await api.get<{ agents: Agent[] }>('/v1/agents');
  const { alerts } = await api.get<{ alerts: Alert[] }>('/v1/alerts');
  if (out.json) out.value(agents);
  else if (agents.length === 0) out.line('No agent yet. Make a credential for one: sluice agents add NAME --out FILE');
  else
    out.line(
      table([
        ['ACCOUNT', 'STATE', 'SINCE', 'AGENT', 'KUBERNETES', 'NAMESPACES'],
        ...agents.map((agent) => row(agent, now())),
      ]),
    );
  for (const { message, count, lastAt } of alerts) {
    out.note(`ALERT (${count === 1 ? '' : `${count} times, last `}${ago(lastAt, now())}): ${message}`);
  }
  return EXIT.succeeded;
}

function row(agent: Agent, nowMs: number): string[] {
  const { account, agentVersion, kubernetesVersion, namespaces } = agent;
  const { connected, revokedAt, connectedAt, disconnectedAt, disconnectReason } = agent;
  const since = ago(connected ? connectedAt : (revokedAt ?? disconnectedAt), nowMs);
  const reason = connected || revokedAt !== null || disconnectReason === null ? '' : ` (${disconnectReason})`;
  return [
    account,
    stateOf(agent),
    since + reason,
    agentVersion ?? '-',
    kubernetesVersion ?? '-',
    namespaces.join(',') || '-',
  ];
}

function stateOf({ connected, revokedAt, connectedAt }: Agent): string {
  if (revokedAt !== null) return 'revoked';
  if (connected) return 'connected';
  return connectedAt === null ? 'never connected' : 'disconnected';
}

/** The credential goes to a file that only its owner reads, or to standard output: it is shown this once. */
export async function addAgent({ api, out }: CommandContext, name: string, file: string | undefined): Promise<number> {
  const make = async (): Promise<string> => {
    const { credential } = await api.post<{ credential: unknown }>('/v1/agents', { name });
    return `${JSON.stringify(credential, null, 2)}\n`;
  };
  if (file === undefined) {
    out.raw(await make());
    return EXIT.succeeded;
  }
  await writePrivately(file, make);
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

/**
 * The file is opened before there is a credential to lose: a new one ends the older. It takes the place of a file of that
 * name, which others may have been allowed to read.
 */
async function writePrivately(file: string, make: () => Promise<string>): Promise<void> {
  const beside = `${file}.${process.pid}.new`;
  const handle = await open(beside, 'wx', 0o600);
  try {
    await handle.writeFile(await make());
    await handle.close();
    await rename(beside, file);
  } catch (error) {
    await handle.close();
    await rm(beside, { force: true });
    throw error;
  }
}

export async function revokeAgent({ api, out }: CommandContext, name: string): Promise<number> {
  await api.remove(`/v1/agents/${encodeURIComponent(name)}`);
  if (out.json) out.value({ revoked: name });
  else out.line(`The credential of ${name} no longer counts; its session has ended.`);
  return EXIT.succeeded;
}
