/** Statements on `agent`: who may connect, and when each last did. */

import { closeAlerts } from './alerts.ts';
import type { Store } from './store.ts';

export interface AgentRow {
  account: string;
  createdAt: Date;
  revokedAt: Date | null;
  /** Fencing number: that of the newest session taken. */
  epoch: number;
  instanceId: string | null;
  agentVersion: string | null;
  kubernetesVersion: string | null;
  /** Namespaces its policy allows. */
  namespaces: string[];
  connectedAt: Date | null;
  /** Null while it is connected. */
  disconnectedAt: Date | null;
  disconnectReason: string | null;
}

/** What a credential is checked against. */
export interface AgentIdentity {
  account: string;
  tokenHash: string;
  certificateSerial: string;
  revokedAt: Date | null;
}

const COLUMNS = `account, created_at as "createdAt", revoked_at as "revokedAt", epoch::float8 as epoch, instance_id as "instanceId",
  agent_version as "agentVersion", kubernetes_version as "kubernetesVersion", namespaces, connected_at as "connectedAt",
  disconnected_at as "disconnectedAt", disconnect_reason as "disconnectReason"`;

/** Stores a new credential. One account has one: an older one, revoked or not, no longer counts. */
export async function saveAgent(
  store: Store,
  account: string,
  tokenHash: string,
  certificateSerial: string,
): Promise<AgentRow> {
  const { rows } = await store.pool.query<AgentRow>(
    `insert into sluice.agent (account, token_hash, certificate_serial) values ($1, $2, $3)
     on conflict (account) do update set token_hash = $2, certificate_serial = $3, revoked_at = null
     returning ${COLUMNS}`,
    [account, tokenHash, certificateSerial],
  );
  await closeAlerts(store, account);
  return told(store, rows[0]);
}

/** Takes an account's credential away. Its live session is the hub's to end. @returns false if there is no such agent. */
export async function revokeAgent(store: Store, account: string): Promise<boolean> {
  const { rows } = await store.pool.query<AgentRow>(
    `update sluice.agent set revoked_at = coalesce(revoked_at, now()) where account = $1 returning ${COLUMNS}`,
    [account],
  );
  await closeAlerts(store, account);
  if (rows[0]) store.changes.emit('agent', rows[0]);
  return rows[0] !== undefined;
}

export async function identityOfAccount(store: Store, account: string): Promise<AgentIdentity | undefined> {
  return identity(store, 'account', account);
}

export async function identityOfToken(store: Store, tokenHash: string): Promise<AgentIdentity | undefined> {
  return identity(store, 'token_hash', tokenHash);
}

async function identity(
  store: Store,
  column: 'account' | 'token_hash',
  value: string,
): Promise<AgentIdentity | undefined> {
  const { rows } = await store.pool.query<AgentIdentity>(
    `select account, token_hash as "tokenHash", certificate_serial as "certificateSerial", revoked_at as "revokedAt"
     from sluice.agent where ${column} = $1`,
    [value],
  );
  return rows[0];
}

/** By account. */
export async function listAgents(store: Store): Promise<AgentRow[]> {
  const { rows } = await store.pool.query<AgentRow>(`select ${COLUMNS} from sluice.agent order by account`);
  return rows;
}

export interface SessionFacts {
  instanceId: string;
  agentVersion: string;
  kubernetesVersion: string;
  namespaces: string[];
  /** The highest epoch the agent has seen: after a restored backup ours may be behind it. */
  lastEpoch: number;
}

/**
 * Takes a session: raises the account's epoch past every one there was.
 * @returns the row with its new epoch; undefined if the account is unknown or revoked.
 */
export async function openSession(store: Store, account: string, facts: SessionFacts): Promise<AgentRow | undefined> {
  const { rows } = await store.pool.query<AgentRow>(
    `update sluice.agent set
       epoch = greatest(epoch, $2::bigint) + 1, instance_id = $3, agent_version = $4, kubernetes_version = $5, namespaces = $6,
       connected_at = now(), disconnected_at = null, disconnect_reason = null
     where account = $1 and revoked_at is null
     returning ${COLUMNS}`,
    [account, facts.lastEpoch, facts.instanceId, facts.agentVersion, facts.kubernetesVersion, facts.namespaces],
  );
  if (rows[0]) store.changes.emit('agent', rows[0]);
  return rows[0];
}

/** Notes the end of a session, unless a newer one has begun: a late farewell does not mark a connected agent as gone. */
export async function closeSession(store: Store, account: string, epoch: number, reason: string): Promise<void> {
  const { rows } = await store.pool.query<AgentRow>(
    `update sluice.agent set disconnected_at = now(), disconnect_reason = $3 where account = $1 and epoch = $2 and disconnected_at is null
     returning ${COLUMNS}`,
    [account, epoch, reason],
  );
  if (rows[0]) store.changes.emit('agent', rows[0]);
}

/** At a start nobody is connected yet, whatever the last process left written. */
export async function closeAllSessions(store: Store, reason: string): Promise<void> {
  await store.pool.query(
    `update sluice.agent set disconnected_at = now(), disconnect_reason = $1 where connected_at is not null and disconnected_at is null`,
    [reason],
  );
}

function told(store: Store, row: AgentRow | undefined): AgentRow {
  if (!row) throw new Error('an upsert returned no row');
  store.changes.emit('agent', row);
  return row;
}
