/** What the API told of the orchestrator and its agents, as checks. Pure. */

import { fail, ok, warn } from '../shared/check.ts';
import type { Check } from '../shared/check.ts';
import { judgeClock } from '../shared/judge-clock.ts';
import { agentHints } from './agent-list.ts';
import type { Agent } from './agent-list.ts';
import { ago } from './output.ts';

export interface VersionAnswer {
  api: number;
  version: string;
  time: string;
  caller: { name: string; role: string; applications: string[] | null };
}

export interface AlertAnswer {
  id: number;
  kind: string;
  message: string;
  count: number;
  lastAt: string;
}

/** The one that this release speaks. */
const API = 1;

/** @param url as the person named it. */
export function judgeTransport(url: string): Check[] {
  const { protocol, hostname } = new URL(url);
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  if (protocol === 'https:' || isLocal) return [];
  const hint = 'Name it with https:// (--server, SLUICE_URL); where it has no TLS, leave SLUICE_API_TLS at auto.';
  return [warn('tls', 'tls', `${url} is not encrypted: the token can be read on the way`, hint)];
}

/** @param sentMs @param receivedMs when it was asked and when it had answered, by our clock. */
export function judgeVersion(answer: VersionAnswer, own: string, sentMs: number, receivedMs: number): Check[] {
  const { caller, time } = answer;
  const { name, role, applications } = caller;
  const limits = applications === null ? '' : `, for ${applications.join(', ')} alone`;
  const who = name === 'local' ? 'none is asked for on this machine' : `${name}, role ${role}${limits}`;
  const aheadMs = Date.parse(time) - (sentMs + receivedMs) / 2;
  return [ok('token', 'token', who), versionCheck(answer, own), judgeClock(aheadMs, "the orchestrator's")];
}

function versionCheck({ api, version }: VersionAnswer, own: string): Check {
  const id = 'version';
  const detail = `orchestrator ${version}, this command line ${own}`;
  const hint = 'Bring both to the same release.';
  if (api !== API) return fail(id, id, `${detail}: the API is version ${api}, this speaks ${API}`, hint);
  return version === own ? ok(id, id, detail) : warn(id, id, detail, hint);
}

/** One for each agent that counts. */
export function judgeAgents(agents: readonly Agent[], nowMs: number): Check[] {
  const counting = agents.filter(({ revokedAt }) => revokedAt === null);
  if (counting.length === 0) {
    return [warn('agents', 'agents', 'there is none', 'Add the first: sluice agents add NAME')];
  }
  return counting.map((agent) => agentCheck(agent, nowMs));
}

function agentCheck(agent: Agent, nowMs: number): Check {
  const { account, connected, connectedAt, disconnectedAt, missingRights, agentVersion, kubernetesVersion } = agent;
  const id = `agents/${account}`;
  const title = `agent ${account}`;
  const hint = agentHints([agent], nowMs).join(' ');
  if (!connected && connectedAt === null) return warn(id, title, 'has never connected', hint);
  if (!connected) return fail(id, title, `disconnected ${ago(disconnectedAt, nowMs)}`, hint);
  const count = missingRights?.length ?? 0;
  if (count > 0) return warn(id, title, `connected, and lacks ${count} right${count === 1 ? '' : 's'}`, hint);
  const versions = [agentVersion && `agent ${agentVersion}`, kubernetesVersion && `Kubernetes ${kubernetesVersion}`];
  const detail = [`connected since ${ago(connectedAt, nowMs)}`, ...versions.filter(Boolean)].join(', ');
  return hint === '' ? ok(id, title, detail) : warn(id, title, detail, hint);
}

export function judgeAlerts(alerts: readonly AlertAnswer[], nowMs: number): Check[] {
  if (alerts.length === 0) return [ok('alerts', 'alerts', 'none is open')];
  return alerts.map(({ id, kind, message, count, lastAt }) => {
    const seen = count === 1 ? ago(lastAt, nowMs) : `${count} times, last ${ago(lastAt, nowMs)}`;
    return warn(`alerts/${id}`, 'alert', `${kind}, seen ${seen}`, message);
  });
}
