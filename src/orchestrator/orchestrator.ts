/** The orchestrator as one thing: store, engine, hub and runs, started in the order in which they need each other. */

import { systemClock } from '../shared/clock.ts';
import type { Clock } from '../shared/clock.ts';
import type { SluiceError } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import { formatAddress, parseAddress } from './config.ts';
import type { OrchestratorConfig } from './config.ts';
import { Engine } from './engine/engine.ts';
import { startPickUp } from './engine/pick-up.ts';
import { registerWorkflows, startDeployment } from './engine/run/register.ts';
import { startEventLog } from './event-log.ts';
import { Hub } from './hub/hub.ts';
import { startHubServer } from './hub/server.ts';
import { startRetention } from './retention.ts';
import { loadAuthority } from './security/authority.ts';
import { addAgent } from './security/credential.ts';
import type { AgentCredential } from './security/credential.ts';
import { revokeAgent } from './store/agents.ts';
import { openStore } from './store/store.ts';
import type { Store } from './store/store.ts';

/** What serves people needs of the orchestrator. */
export interface Services {
  store: Store;
  engine: Engine;
  hub: Hub;
  metricProviders: OrchestratorConfig['metricProviders'];
  clock: Clock;
  log: Log;
  /** Gives an account a credential; what it had before no longer counts, and its session ends. @throws SluiceError INVALID_ACCOUNT. */
  addAgent: (account: string) => Promise<AgentCredential>;
  /** Takes an account's credential away and ends its session. @returns false if there is no such agent. */
  revokeAgent: (account: string) => Promise<boolean>;
}

export interface Orchestrator extends Services {
  /** host:port where agents are served. */
  agentAddress: string;
  /** `https://host:port` of the API; `http` where it has no TLS. */
  apiUrl: string;
  /** Settles when this process may not go on: another one may have taken its database. */
  lost: Promise<SluiceError>;
  /** Leaves every run to be resumed by the next start, sends the agents away, stops the embedded database. */
  stop(): Promise<void>;
}

/**
 * Starts everything, and takes up every run that was interrupted.
 * @param stopping ends the start between two of its parts; what was started is stopped, and its reason is thrown.
 * @throws SluiceError of whatever could not be started; what was started is stopped again.
 */
export async function startOrchestrator(
  config: OrchestratorConfig,
  log: Log,
  stopping?: AbortSignal,
): Promise<Orchestrator> {
  /** Last started, first stopped. */
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).toReversed()) await each();
  };
  try {
    return await compose(config, log, stopping, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function compose(
  config: OrchestratorConfig,
  log: Log,
  stopping: AbortSignal | undefined,
  stops: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<Orchestrator> {
  const clock = systemClock;
  const { dataDir, databaseUrl, agents, metricProviders } = config;
  const store = await openStore({ dataDir, databaseUrl, log });
  stops.push(() => store.close());
  stopping?.throwIfAborted(); // before any run is taken up
  const hosts = [agents.address.host, parseAddress(agents.publicAddress ?? '')?.host].filter(isNameable);
  const authority = await loadAuthority({ dataDir, hosts, now: () => clock.now() });

  const hub = new Hub({ store, clock, log });
  await hub.start();
  const engine = new Engine({ store, log });
  registerWorkflows(engine, { store, link: hub, providers: [...metricProviders], clock });
  const server = await startHubServer({
    hub,
    address: agents.address,
    authority: agents.plaintext ? undefined : authority,
  });
  stops.push(() => server.stop());
  stops.push(startEventLog(store, log));
  await engine.launch();
  stops.push(() => engine.stop());
  stops.push(
    await startPickUp({
      store,
      clock,
      log,
      start: ({ id, file, createdAt }) => startDeployment(engine, { id, file, startedMs: createdAt.getTime() }),
    }),
  );
  stops.push(startRetention({ store, engine, clock, log, ...config.retention }));

  const agentAddress = formatAddress({ ...agents.address, port: server.port });
  const services: Services = {
    store,
    engine,
    hub,
    metricProviders,
    clock,
    log,
    async addAgent(account) {
      const credential = await addAgent(store, authority, agents.publicAddress ?? agentAddress, account);
      hub.endSession(account, 'its credential was replaced');
      log.info({ account }, 'agent credential issued');
      return credential;
    },
    async revokeAgent(account) {
      const isKnown = await revokeAgent(store, account);
      hub.endSession(account, 'its credential was revoked');
      if (isKnown) log.info({ account }, 'agent credential revoked');
      return isKnown;
    },
  };
  stopping?.throwIfAborted();
  // Loaded last: until here runs wait for us, and of the API nobody does (it takes 0.1 s).
  const { startHttp } = await import('./http/server.ts');
  const http = await startHttp({ api: config.api, names: apiNames(config), dataDir, authority, services });
  stops.push(() => http.stop());
  return { ...services, agentAddress, apiUrl: http.url, lost: store.lost, stop };
}

/** The API is called as people reach it, and often as agents reach the hub: one Service for both. */
function apiNames({ api, agents }: OrchestratorConfig): string[] {
  const publicHost = URL.parse(api.publicUrl ?? '')?.hostname.replace(/^\[(.*)\]$/, '$1');
  return [api.address.host, publicHost, parseAddress(agents.publicAddress ?? '')?.host].filter(isNameable);
}

/** A wildcard is no name that a certificate could be for. */
function isNameable(host: string | undefined): host is string {
  return host !== undefined && host !== '' && host !== '0.0.0.0' && host !== '::';
}
