/** One agent from its configuration to its end: it is elected, guards, works, drains and goes. */

import { pause } from '../shared/clock.ts';
import type { Log } from '../shared/log.ts';
import packageJson from '../../package.json' with { type: 'json' };
import type { AgentConfig } from './config.ts';
import type { KubeApi } from './kubernetes/kube-api.ts';
import { startLink } from './link.ts';
import type { Link } from './link.ts';
import { agentNow } from './metrics/now.ts';
import { openParts } from './parts.ts';
import type { Parts, RunAgentOptions } from './parts.ts';
import { startStatusServer } from './status-server.ts';
import type { AgentStatus } from './status-server.ts';
import { fullStatus } from './status.ts';
import { showProxy } from './stream/proxy.ts';

const DRAIN_MS = 30_000;
/** How long the hub then has to store their results. */
const STORE_MS = 3000;
/** How long the first session waits for what the agent lacks; what comes later is said at the next. */
const REVIEW_MS = 500;

/** Runs until `signal` aborts. @throws SluiceError when it cannot start: the cluster's access, the health address. */
export async function runAgent(config: AgentConfig, options: RunAgentOptions): Promise<void> {
  const { signal } = options;
  const parts = await openParts(config, options);
  const { log, election, guards, rights, status, api } = parts;
  const server = await serveStatus(config, parts);
  if (server) options.onListening?.(server.port);
  const proxy = config.proxy && showProxy(config.proxy);
  const { allowedNamespaces: namespaces } = config.policy;
  log.info({ version: packageJson.version, namespaces, health_port: server?.port, proxy }, 'agent started');
  if (!election || (await election.won(signal))) {
    // What was armed before this agent's time protects the traffic from here on, orchestrator or not.
    guards.start();
    status.kubernetesVersion = await readKubernetesVersion(api, log);
    // Over the connection that is free again. For people too: whoever is slow to answer it holds up no session.
    await within(rights.review(), options.reviewMs ?? REVIEW_MS);
    const link = startLink(config, parts, options.hello);
    await aborted(signal);
    await drain(parts, link, options.drainMs ?? DRAIN_MS);
  }
  parts.stop();
  // Nothing acts any more.
  await election?.leave();
  await server?.close();
  log.info({}, 'agent stopped');
}

/** Ends what runs, hands its results over, and leaves. */
async function drain({ log, dispatcher, live }: Parts, link: Link, drainMs: number): Promise<void> {
  log.info({ in_flight: dispatcher.journal.inFlight }, 'agent drains');
  live.session?.drain('the agent was told to stop');
  await within(dispatcher.drain(), drainMs);
  dispatcher.stop();
  if (live.session) await within(dispatcher.journal.whenStored(), STORE_MS);
  await link.stop();
}

/** Probes, `/status` and `/metrics`, if they are to be served. */
async function serveStatus(
  { healthAddress }: AgentConfig,
  { status, dispatcher, health, guards, rights, election, metrics, clock }: Parts,
): Promise<Awaited<ReturnType<typeof startStatusServer>> | undefined> {
  const statusNow = (): AgentStatus => ({
    ...fullStatus(status, dispatcher, health, guards),
    missingRights: rights.missing,
    ...election?.standing(),
  });
  const exposed = (): Promise<string> => {
    const now = statusNow();
    return metrics.expose(agentNow(now, now.credentialNotAfterMs, { dispatcher, health, guards }, clock.now()));
  };
  return healthAddress && startStatusServer(healthAddress, statusNow, exposed);
}

/** For people only, so an API server that does not answer yet holds nothing up. */
async function readKubernetesVersion(api: KubeApi, log: Log): Promise<string> {
  try {
    const what = "read the cluster's version";
    const signal = AbortSignal.timeout(3000);
    return (await api.call<{ gitVersion: string }>({ method: 'GET', path: '/version', what, signal })).gitVersion;
  } catch (error) {
    log.warn({ err: error }, 'API server does not answer');
    return '';
  }
}

/** Waits for `event`, at most `ms`. */
async function within(event: Promise<void>, ms: number): Promise<void> {
  const enough = new AbortController();
  // The timer must not keep the process when the event came first.
  await Promise.race([event, pause(ms, enough.signal)]).finally(() => enough.abort());
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
