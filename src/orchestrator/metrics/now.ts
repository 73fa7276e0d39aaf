/** What is true of the orchestrator at this moment, for `/metrics` and `/status`. */

import { X509Certificate } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import packageJson from '../../../package.json' with { type: 'json' };
import { pause } from '../../shared/clock.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Engine } from '../engine/engine.ts';
import type { Hub } from '../hub/hub.ts';
import { listAgents } from '../store/agents.ts';
import type { AgentRow } from '../store/agents.ts';
import { takeCensus } from '../store/census.ts';
import type { Census } from '../store/census.ts';
import type { Store } from '../store/store.ts';

interface AgentNow {
  account: string;
  state: 'connected' | 'disconnected' | 'waiting' | 'revoked';
  /** When it entered that state. */
  sinceMs: number;
}

type PoolNow = Record<'busy' | 'idle' | 'waiting', number>;

export interface OrchestratorNow {
  version: string;
  nowMs: number;
  /** `census` is absent where the database did not answer in time. */
  database: { census: Census | undefined; latencyMs: number };
  agents: AgentNow[];
  workflows: number;
  sessions: number;
  outbox: number;
  pools: Record<'main' | 'relaxed', PoolNow>;
  /** When each ends, in milliseconds since the epoch. */
  certificates: Record<string, number>;
}

export interface NowSources {
  store: Store;
  engine: Pick<Engine, 'running'>;
  hub: Pick<Hub, 'connectedAccounts' | 'waiting' | 'isConnected'>;
  clock: Clock;
  /** PEM, by name, as they are used now. */
  certificates: () => Record<string, string>;
}

/** A scrape is given up after 10 s: half an answer in time is better than none. */
const DATABASE_TIMEOUT_MS = 2_000;

export async function orchestratorNow(sources: NowSources): Promise<OrchestratorNow> {
  const { store, engine, hub, clock, certificates } = sources;
  const { census, latencyMs, rows } = await askDatabase(store);
  return {
    version: packageJson.version,
    nowMs: clock.now(),
    database: { census, latencyMs },
    agents: rows.map((row) => stateOf(row, hub.isConnected(row.account))),
    workflows: engine.running,
    sessions: hub.connectedAccounts.length,
    outbox: hub.connectedAccounts.reduce((sum, account) => sum + hub.waiting(account), 0),
    pools: { main: poolOf(store.pool), relaxed: poolOf(store.relaxed) },
    certificates: Object.fromEntries(
      Object.entries(certificates()).map(([name, pem]) => [name, new X509Certificate(pem).validToDate.getTime()]),
    ),
  };
}

interface Asked {
  census: Census | undefined;
  latencyMs: number;
  rows: AgentRow[];
}

async function askDatabase(store: Store): Promise<Asked> {
  const silent: Asked = { census: undefined, latencyMs: DATABASE_TIMEOUT_MS, rows: [] };
  const enough = new AbortController();
  const late = pause(DATABASE_TIMEOUT_MS, enough.signal).then(() => silent);
  try {
    return await Promise.race([late, ask(store)]);
  } catch {
    return silent;
  } finally {
    enough.abort();
  }
}

async function ask(store: Store): Promise<Asked> {
  const startedMs = performance.now();
  await store.pool.query('select 1');
  const latencyMs = performance.now() - startedMs;
  const [census, rows] = await Promise.all([takeCensus(store), listAgents(store)]);
  return { census, latencyMs, rows };
}

function stateOf(
  { account, createdAt, connectedAt, disconnectedAt, revokedAt }: AgentRow,
  isConnected: boolean,
): AgentNow {
  const at = (state: AgentNow['state'], since: Date | null): AgentNow => ({
    account,
    state,
    sinceMs: (since ?? createdAt).getTime(),
  });
  if (revokedAt !== null) return at('revoked', revokedAt);
  if (isConnected) return at('connected', connectedAt);
  return connectedAt === null ? at('waiting', createdAt) : at('disconnected', disconnectedAt);
}

function poolOf({ totalCount, idleCount, waitingCount }: Store['pool']): PoolNow {
  return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
}
