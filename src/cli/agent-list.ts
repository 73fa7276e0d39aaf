/** The list of agents as people read it: one line each, and a sentence for each that needs somebody. Pure. */

import { ago, table } from './output.ts';

interface MissingRight {
  namespace: string;
  group: string;
  resource: string;
  verb: string;
}

export interface Agent {
  account: string;
  connected: boolean;
  revokedAt: string | null;
  connectedAt: string | null;
  disconnectedAt: string | null;
  disconnectReason: string | null;
  agentVersion: string | null;
  kubernetesVersion: string | null;
  protocol: number | null;
  namespaces: string[];
  missingRights: MissingRight[] | null;
  certificateEndsAt: string | null;
}

const HEADING = ['ACCOUNT', 'STATE', 'SINCE', 'AGENT', 'PROTOCOL', 'KUBERNETES', 'RIGHTS', 'NAMESPACES'];
/** A certificate is renewed long before this is left. */
const SOON_MS = 48 * 3_600_000;
/** Resources that one sentence names. */
const FEW = 3;

export function agentTable(agents: readonly Agent[], nowMs: number): string {
  return table([HEADING, ...agents.map((agent) => rowOf(agent, nowMs))]);
}

function rowOf(agent: Agent, nowMs: number): string[] {
  const { account, agentVersion, protocol, kubernetesVersion, namespaces, missingRights } = agent;
  const known = (text: string | null): string => (text === null || text === '' ? '-' : text);
  return [
    account,
    stateOf(agent),
    ago(sinceOf(agent), nowMs),
    known(agentVersion),
    protocol === null ? '-' : String(protocol),
    known(kubernetesVersion),
    rightsOf(missingRights),
    namespaces.join(',') || '-',
  ];
}

function stateOf({ connected, revokedAt, connectedAt }: Agent): string {
  if (revokedAt !== null) return 'revoked';
  if (connected) return 'connected';
  return connectedAt === null ? 'never connected' : 'disconnected';
}

function sinceOf({ connected, revokedAt, connectedAt, disconnectedAt }: Agent): string | null {
  return connected ? connectedAt : (revokedAt ?? disconnectedAt);
}

function rightsOf(missing: MissingRight[] | null): string {
  if (missing === null) return '-';
  return missing.length === 0 ? 'all' : `${missing.length} missing`;
}

/** What is wrong with which, and what to do; nothing of those that are well or revoked. */
export function agentHints(agents: readonly Agent[], nowMs: number): string[] {
  return agents.filter(({ revokedAt }) => revokedAt === null).flatMap((agent) => hintsOf(agent, nowMs));
}

function hintsOf(agent: Agent, nowMs: number): string[] {
  const { account, connected, connectedAt, disconnectReason, certificateEndsAt } = agent;
  if (!connected && connectedAt === null) {
    return [`${account} was never here. Install it with its credential; its own log says where a connection fails.`];
  }
  const hints = missingHints(agent);
  if (!connected) {
    const since = ago(sinceOf(agent), nowMs);
    const why = disconnectReason ?? 'it is not known why';
    const next = `Its own log names the cause and what to do. One that is gone for good: sluice agents revoke ${account}`;
    hints.unshift(`${account} left ${since}: ${why}. ${next}`);
  }
  const leftMs = certificateEndsAt === null ? Infinity : Date.parse(certificateEndsAt) - nowMs;
  if (leftMs < SOON_MS) {
    const when = leftMs <= 0 ? 'has ended' : `ends in ${Math.max(1, Math.round(leftMs / 3_600_000))} h`;
    hints.push(`${account}: its certificate ${when} and was not renewed. Its own log says why.`);
  }
  return hints;
}

/** One sentence for each namespace: the resources, with what may not be done to them. */
function missingHints({ account, missingRights }: Agent): string[] {
  return [...Map.groupBy(missingRights ?? [], ({ namespace }) => namespace)].map(([namespace, rights]) => {
    const resources = [...Map.groupBy(rights, ({ group, resource }) => nameOf(group, resource))];
    const named = resources.slice(0, FEW).map(([name, some]) => `${some.map(({ verb }) => verb).join(', ')} ${name}`);
    const unnamed = resources.length - FEW;
    const more = unnamed > 0 ? ` and ${unnamed} resource${unnamed === 1 ? '' : 's'} more` : '';
    return `${account} may not ${named.join('; ')}${more} in ${namespace}: a canary there is refused. Its chart grants it by allowedNamespaces and rights (helm upgrade); its doctor (docs/troubleshooting.md) says each.`;
  });
}

/** `deployments.apps`, as kubectl writes it. */
function nameOf(group: string, resource: string): string {
  return group === '' ? resource : `${resource}.${group}`;
}
