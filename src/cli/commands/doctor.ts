/** `sluice doctor`: the orchestrator as seen from here, through its API. */

import { connect } from 'node:tls';
import { isIP } from 'node:net';
import { once } from 'node:events';
import packageJson from '../../../package.json' with { type: 'json' };
import { checksAsJson, fail, isWell, ok, showChecks } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';
import { messageOf } from '../../shared/errors.ts';
import { judgeValidity } from '../../shared/judge-certificate.ts';
import type { Agent } from '../agent-list.ts';
import type { ApiClient } from '../api-client.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, Exit } from '../exit-code.ts';
import { judgeAgents, judgeAlerts, judgeTransport, judgeVersion } from '../judge-orchestrator.ts';
import type { AlertAnswer, VersionAnswer } from '../judge-orchestrator.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const DIAL_MS = 5_000;

export async function doctor({ api, out, now, signal }: CommandContext): Promise<number> {
  const checks = await examine(api, now);
  signal.throwIfAborted();
  out.line(out.json ? checksAsJson(checks) : showChecks(checks));
  return isWell(checks) ? EXIT.succeeded : EXIT.error;
}

async function examine(api: ApiClient, now: () => number): Promise<Check[]> {
  const reached = await ready(api);
  if (reached.state === 'fail') return [reached];
  const transport = api.url.startsWith('https:') ? [await certificate(api.url, now())] : judgeTransport(api.url);
  const sentMs = now();
  const version = await asked('token', () => api.get<VersionAnswer>('/v1/version'));
  if ('state' in version) return [reached, ...transport, version];
  const receivedMs = now();
  const told = [
    asked('agents', async () => judgeAgents((await api.get<{ agents: Agent[] }>('/v1/agents')).agents, now())),
    asked('alerts', async () => judgeAlerts((await api.get<{ alerts: AlertAnswer[] }>('/v1/alerts')).alerts, now())),
  ];
  const [agents, alerts] = await Promise.all(told);
  return [
    reached,
    ...transport,
    ...judgeVersion(version, packageJson.version, sentMs, receivedMs),
    ...[agents, alerts].flatMap((each) => each ?? []),
  ];
}

/** Asked without a token: nobody there, something else there, or its database is away. */
async function ready(api: ApiClient): Promise<Check> {
  const answer = await asked('api', () => api.get<{ status: string }>('/readyz'));
  return 'detail' in answer ? answer : ok('api', 'api', `an orchestrator answers at ${api.url}, and its database too`);
}

/** What was asked for; a refusal is a check, its second line what to do. */
async function asked<T>(id: string, ask: () => Promise<T>): Promise<T | Check> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Exit && error.code === EXIT.left) throw error;
    const [said = '', ...hint] = messageOf(error).split('\n');
    return fail(
      id,
      id,
      said,
      hint.join(' ') || 'Its log says more; `sluice orchestrator doctor` beside it looks closer.',
    );
  }
}

/** It is trusted, or nothing would have answered; how long still, only a connection of our own tells. */
async function certificate(url: string, nowMs: number): Promise<Check> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    host,
    port: Number(port || 443),
    ...(isIP(host) === 0 && { servername: host }),
    timeout: DIAL_MS,
  });
  try {
    socket.once('timeout', () => socket.destroy(new Error('no answer')));
    await once(socket, 'secureConnect');
    const shown = socket.getPeerX509Certificate();
    if (!shown) return fail('tls', 'tls', 'it showed no certificate', 'Name its API with --server.');
    const validity = { validFromMs: shown.validFromDate.getTime(), validToMs: shown.validToDate.getTime() };
    return judgeValidity(validity, nowMs, {
      id: 'tls',
      title: 'tls',
      what: `trusted: the certificate of ${shown.subjectAltName ?? shown.subject}`,
      renew: 'The orchestrator renews its own by itself; put a new one of yours where SLUICE_API_TLS_CERT_FILE points.',
      warnBelowMs: 14 * DAY_MS,
    });
  } catch (error) {
    return fail('tls', 'tls', messageOf(error), 'Ask again; something between ends connections.');
  } finally {
    socket.destroy();
  }
}
