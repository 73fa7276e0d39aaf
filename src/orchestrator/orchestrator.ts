/** The orchestrator as one thing: store, engine, hub and runs, started in the order in which they need each other. */

import { systemClock } from '../shared/clock.ts';
import type { Clock } from '../shared/clock.ts';
import type { SluiceError } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import { ProviderLog } from './analysis/provider-log.ts';
import { AgentOffice } from './agent-office.ts';
import { parseAddress } from './config.ts';
import type { OrchestratorConfig } from './config.ts';
import { Engine } from './engine/engine.ts';
import { startPickUp } from './engine/pick-up.ts';
import { registerWorkflows, startDeployment } from './engine/run/register.ts';
import type { RunDependencies } from './engine/run/register.ts';
import { startEventLog } from './event-log.ts';
import { Hub } from './hub/hub.ts';
import { orchestratorNow } from './metrics/now.ts';
import type { OrchestratorNow } from './metrics/now.ts';
import { OrchestratorMetrics } from './metrics/orchestrator-metrics.ts';
import type { HttpServer } from './http/server.ts';
import { startRetention } from './retention.ts';
import type { GivenCredential } from './security/credential.ts';
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
  metrics: OrchestratorMetrics;
  /** What is true at this moment, for metrics and for people. */
  now: () => Promise<OrchestratorNow>;
  /** Gives an account a credential; what it had before no longer counts, and its session ends. @throws SluiceError INVALID_ACCOUNT. */
  addAgent: (account: string) => Promise<GivenCredential>;
  /** Who may be an agent. */
  office: AgentOffice;
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
  const office = await AgentOffice.open({ agents, dataDir, store, clock, log });

  const metrics = new OrchestratorMetrics();
  metrics.runs.follow(store);
  const hub = new Hub({ store, clock, log, observer: metrics.hub, ...office.hubParts });
  await hub.start();
  const engine = new Engine({ store, log });
  const providerLog = new ProviderLog(log);
  const onProvider: RunDependencies['onProvider'] = (name, silence) => providerLog.heard(name, silence);
  const { drainMs } = config.run;
  registerWorkflows(engine, { store, link: hub, providers: [...metricProviders], onProvider, clock, drainMs });
  const server = await office.serve(hub);
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

  let http: HttpServer | undefined;
  const services: Services = {
    store,
    engine,
    hub,
    metricProviders,
    clock,
    log,
    metrics,
    now: () =>
      orchestratorNow({
        store,
        engine,
        hub,
        clock,
        certificates: () => certificatesOf(office, http?.certificate()),
      }),
    office,
    addAgent: (account) => office.addAgent(account),
  };
  stopping?.throwIfAborted();
  // Loaded last: until here runs wait for us, and of the API nobody does (it takes 0.1 s).
  const { startHttp } = await import('./http/server.ts');
  const api = await startHttp({
    api: config.api,
    names: apiNames(config),
    dataDir,
    authority: office.authority,
    services,
  });
  http = api;
  stops.push(() => api.stop());
  return { ...services, agentAddress: server.address, apiUrl: api.url, lost: store.lost, stop };
}

/** Those that are used now, your own among them. */
function certificatesOf({ certificates }: AgentOffice, api: string | undefined): Record<string, string> {
  return { ...certificates, ...(api !== undefined && { api }) };
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
