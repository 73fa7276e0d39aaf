/** Looks at everything an orchestrator rests on; reads only, takes no lock, and is safe beside one that runs. */

import { fail, ok } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';
import { judgeValidity } from '../../shared/judge-certificate.ts';
import { messageOf } from '../../shared/errors.ts';
import { measurePrometheus } from '../analysis/prometheus.ts';
import { formatAddress, isLoopback } from '../config.ts';
import type { OrchestratorConfig } from '../config.ts';
import { OLDEST_SERVER } from '../store/migrate.ts';
import { migrations } from '../store/migrations.ts';
import { findEmbeddedServer } from '../store/postgres/embedded-server.ts';
import { isOrchestrator } from './ask-api.ts';
import { judgeDatabase } from './judge-database.ts';
import { judgeDisk, judgeFolder } from './judge-folder.ts';
import { judgeProviders, judgeServing } from './judge-serving.ts';
import type { PortState } from './judge-serving.ts';
import { readDatabase, showDatabase } from './read-database.ts';
import { dial, localAddress, readCertificate, readCertificates, readDisk, readFolder } from './read-host.ts';
import type { StoredCertificate } from './read-host.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** The pools of store and engine, the claim, and some for a restart that overlaps. */
const CONNECTIONS = 30;

/** @param now milliseconds since the epoch; for tests of dates. */
export async function examine(config: OrchestratorConfig, now: () => number = Date.now): Promise<Check[]> {
  const { dataDir, api, agents } = config;
  const apiState = await apiPort(config);
  const [folder, disk, database, certificates, providers, agentsState] = await Promise.all([
    readFolder(dataDir).then(judgeFolder),
    readDisk(dataDir).then((facts) => judgeDisk(facts, dataDir)),
    databaseChecks(config, apiState === 'ours', now),
    certificateChecks(config, now()),
    providerChecks(config, now()),
    dial(agents.address),
  ]);
  const serving = judgeServing({
    api: { address: formatAddress(api.address), state: apiState },
    agents: { address: formatAddress(agents.address), state: agentsState },
    publicAddress: agents.publicAddress,
    isAgentsLoopback: isLoopback(agents.address.host),
  });
  return [configurationCheck(config), folder, disk, ...database, ...certificates, ...serving, ...providers];
}

function configurationCheck({ dataDir, databaseUrl, retention }: OrchestratorConfig): Check {
  const database = databaseUrl === undefined ? 'embedded PostgreSQL' : `PostgreSQL ${showDatabase(databaseUrl)}`;
  const kept = `deployments are kept ${retention.historyDays} days`;
  return ok('configuration', 'configuration', `${database}; data in ${dataDir}; ${kept}`);
}

async function apiPort({ api }: OrchestratorConfig): Promise<PortState> {
  const state = await dial(api.address);
  if (state !== 'open') return state;
  return (await isOrchestrator(localAddress(api.address), api.tls.kind !== 'off')) ? 'ours' : 'foreign';
}

/** @param isRunning an orchestrator serves the API here. */
async function databaseChecks(
  { dataDir, databaseUrl }: OrchestratorConfig,
  isRunning: boolean,
  now: () => number,
): Promise<Check[]> {
  const id = 'database';
  const embedded = databaseUrl === undefined;
  try {
    const url = databaseUrl ?? (await findEmbeddedServer(dataDir))?.url;
    if (url === undefined) {
      if (!isRunning) return [ok(id, id, 'the embedded one does not run: it starts with the orchestrator')];
      const hint = `An orchestrator runs with another data folder: set SLUICE_DATA_DIR to its one. Else see ${dataDir}/postgres.log.`;
      return [fail(id, id, `no embedded one runs in ${dataDir}, though an orchestrator serves the API`, hint)];
    }
    const newest = Math.max(...migrations.map(({ number }) => number));
    const needs = { oldestMajor: OLDEST_SERVER, newest, connections: CONNECTIONS, embedded };
    return judgeDatabase(await readDatabase(url, now), needs);
  } catch (error) {
    const hint = embedded
      ? `See ${dataDir}/postgres.log. Run the doctor as the user that the orchestrator runs as.`
      : 'Look whether it runs, whether DATABASE_URL names host, port, database, user and password rightly, and whether its pg_hba.conf and the network let this machine in.';
    const address = databaseUrl === undefined ? 'the embedded one' : showDatabase(databaseUrl);
    return [fail(id, id, `${address} does not answer: ${messageOf(error)}`, hint)];
  }
}

async function certificateChecks({ dataDir, api, agents }: OrchestratorConfig, nowMs: number): Promise<Check[]> {
  const id = 'certificates';
  const made = 'none yet: the first start makes them';
  try {
    const stored = await readCertificates(dataDir);
    const ownFiles = [api.tls.kind === 'files' ? api.tls.certFile : undefined, agents.tls?.certFile];
    const own = await Promise.all(ownFiles.filter((file) => file !== undefined).map(readCertificate));
    const checks = [...stored, ...own].map((certificate) => certificateCheck(certificate, own, nowMs));
    return stored.length === 0 ? [ok(id, id, made), ...checks] : checks;
  } catch (error) {
    const hint = `Restore ${dataDir}/ca from a backup, or give the API files that are certificates. Run the doctor as the user that the orchestrator runs as.`;
    return [fail(id, id, messageOf(error), hint)];
  }
}

function certificateCheck(certificate: StoredCertificate, own: StoredCertificate[], nowMs: number): Check {
  const { file, subject } = certificate;
  const isOwn = own.includes(certificate);
  const name = isOwn ? file : file.slice(file.lastIndexOf('/') + 1);
  const renew = isOwn
    ? 'Put a new one in its place: it is taken up without a restart.'
    : name.startsWith('ca')
      ? 'It is the certificate authority: let another follow it while the agents are connected (sluice ca rotate).'
      : 'Restart the orchestrator: it makes a new one.';
  return judgeValidity(certificate, nowMs, {
    id: `certificates/${name}`,
    title: 'certificate',
    what: `${name} (${subject})`,
    renew,
    warnBelowMs: (name.startsWith('ca') ? 90 : 14) * DAY_MS,
  });
}

async function providerChecks({ metricProviders }: OrchestratorConfig, nowMs: number): Promise<Check[]> {
  const facts = metricProviders.map(async (provider) => {
    const answer = await measurePrometheus(provider, 'vector(1)', nowMs);
    return { name: provider.name, fault: answer.kind === 'value' ? undefined : answer.reason };
  });
  return judgeProviders(await Promise.all(facts));
}
