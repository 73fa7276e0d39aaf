/** Statements on `agent`: who may connect, and when each last did. */

import type { MissingRight } from '../../protocol/missing-rights.ts';
import { closeAlerts } from './alerts.ts';
import { removeJoinTokens } from './join-tokens.ts';
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
  /** Version of the protocol that its newest session speaks. */
  protocol: number | null;
  /** Rights that a canary takes and it did not have when it connected; null: it did not say. */
  missingRights: MissingRight[] | null;
  /** Namespaces its policy allows. */
  namespaces: string[];
  connectedAt: Date | null;
  /** Null while it is connected. */
  disconnectedAt: Date | null;
  disconnectReason: string | null;
  /** Of its newest certificate; null: it has none, or was not asked. */
  certificateSerial: string | null;
  certificateEndsAt: Date | null;
  /** Fingerprint of the authority that signed it. */
  certificateAuthority: string | null;
  /** Fingerprints of the authorities that it has stored; null: it has a credential that it cannot change. */
  authorities: string[] | null;
  /** Of the certificate that it has stored. */
  heldSerial: string | null;
}

/** A certificate as it is written down. */
export interface CertificateFacts {
  serial: string;
  endsAt: Date;
  /** Fingerprint of the authority that signed it. */
  authority: string;
}

/** What a credential is checked against. */
export interface AgentIdentity {
  account: string;
  certificateSerial: string | null;
  /** Still counts until the newest has been used: the answer that brought that one may have been lost. */
  previousSerial: string | null;
  revokedAt: Date | null;
}

const COLUMNS = `account, created_at as "createdAt", revoked_at as "revokedAt", epoch::float8 as epoch, instance_id as "instanceId",
  agent_version as "agentVersion", kubernetes_version as "kubernetesVersion", namespaces, connected_at as "connectedAt",
  disconnected_at as "disconnectedAt", disconnect_reason as "disconnectReason", certificate_serial as "certificateSerial",
  certificate_ends_at as "certificateEndsAt", certificate_authority as "certificateAuthority", authorities, held_serial as "heldSerial",
  protocol, missing_rights as "missingRights"`;

/**
 * Stores a new credential. One account has one: an older one, revoked or not, no longer counts.
 * @param tokenHash null: it has no token. @param certificate null: it has none.
 */
export async function saveAgent(
  store: Store,
  account: string,
  tokenHash: string | null,
  certificate: CertificateFacts | null,
): Promise<AgentRow> {
  const { rows } = await store.pool.query<AgentRow>(
    `insert into sluice.agent (account, token_hash, certificate_serial, certificate_ends_at, certificate_authority) values ($1, $2, $3, $4, $5)
     on conflict (account) do update set token_hash = $2, certificate_serial = $3, certificate_ends_at = $4, certificate_authority = $5,
       previous_token_hash = null, previous_serial = null, authorities = null, held_serial = null, revoked_at = null
     returning ${COLUMNS}`,
    [account, tokenHash, certificate?.serial ?? null, certificate?.endsAt ?? null, certificate?.authority ?? null],
  );
  await closeAlerts(store, account);
  return told(store, rows[0]);
}

/**
 * Gives an account a certificate's successor. Until that has been used the one it was asked with counts too.
 * @param from serial that was presented. @returns false if that no longer counts.
 */
export async function renewCertificate(
  store: Store,
  account: string,
  from: string,
  { serial, endsAt, authority }: CertificateFacts,
): Promise<boolean> {
  const { rowCount } = await store.pool.query(
    `update sluice.agent set previous_serial = $2, certificate_serial = $3, certificate_ends_at = $4, certificate_authority = $5
     where account = $1 and revoked_at is null and $2 in (certificate_serial, previous_serial)`,
    [account, from, serial, endsAt, authority],
  );
  return rowCount === 1;
}

/** Gives an account a further token; of those it had, the newer stays. @returns false if there is no such agent. */
export async function addAgentToken(store: Store, account: string, tokenHash: string): Promise<boolean> {
  const { rowCount } = await store.pool.query(
    `update sluice.agent set previous_token_hash = token_hash, token_hash = $2 where account = $1 and revoked_at is null`,
    [account, tokenHash],
  );
  return rowCount === 1;
}

/** Leaves an account its newest token alone. @returns false if there is no such agent. */
export async function revokeOlderToken(store: Store, account: string): Promise<boolean> {
  const { rowCount } = await store.pool.query(
    'update sluice.agent set previous_token_hash = null where account = $1 and revoked_at is null',
    [account],
  );
  return rowCount === 1;
}

/** Writes down what an agent says that it has stored. @returns the row as it is then. */
export async function saveHoldings(
  store: Store,
  account: string,
  { authorities, serial }: { authorities: string[]; serial: string },
): Promise<AgentRow | undefined> {
  const { rows } = await store.pool.query<AgentRow>(
    `update sluice.agent set authorities = $2, held_serial = nullif($3, '') where account = $1 returning ${COLUMNS}`,
    [account, authorities, serial],
  );
  return rows[0];
}

/** Takes an account's credential away, and its join token. Its live session is the hub's to end. @returns false if there is no such agent. */
export async function revokeAgent(store: Store, account: string): Promise<boolean> {
  await removeJoinTokens(store, account);
  const { rows } = await store.pool.query<AgentRow>(
    `update sluice.agent set revoked_at = coalesce(revoked_at, now()) where account = $1 returning ${COLUMNS}`,
    [account],
  );
  await closeAlerts(store, account);
  if (rows[0]) store.changes.emit('agent', rows[0]);
  return rows[0] !== undefined;
}

export async function identityOfAccount(store: Store, account: string): Promise<AgentIdentity | undefined> {
  return identity(store, 'account = $1', account);
}

export async function identityOfToken(store: Store, tokenHash: string): Promise<AgentIdentity | undefined> {
  return identity(store, '$1 in (token_hash, previous_token_hash)', tokenHash);
}

async function identity(store: Store, condition: string, value: string): Promise<AgentIdentity | undefined> {
  const { rows } = await store.pool.query<AgentIdentity>(
    `select account, certificate_serial as "certificateSerial", previous_serial as "previousSerial", revoked_at as "revokedAt"
     from sluice.agent where ${condition}`,
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
  protocol: number;
  /** Null: it did not ask the API server. */
  missingRights: MissingRight[] | null;
  namespaces: string[];
  /** The highest epoch the agent has seen: after a restored backup ours may be behind it. */
  lastEpoch: number;
  /** Of the certificate that was presented; undefined: a token was. */
  serial?: string | undefined;
}

/**
 * Takes a session: raises the account's epoch past every one there was. A certificate that is used is the last one's end.
 * @returns the row with its new epoch; undefined if the account is unknown or revoked.
 */
export async function openSession(store: Store, account: string, facts: SessionFacts): Promise<AgentRow | undefined> {
  const { rows } = await store.pool.query<AgentRow>(
    `update sluice.agent set
       epoch = greatest(epoch, $2::bigint) + 1, instance_id = $3, agent_version = $4, kubernetes_version = $5, namespaces = $6,
       connected_at = now(), disconnected_at = null, disconnect_reason = null,
       previous_serial = case when certificate_serial = $7 then null else previous_serial end, protocol = $8, missing_rights = $9
     where account = $1 and revoked_at is null
     returning ${COLUMNS}`,
    [
      account,
      facts.lastEpoch,
      facts.instanceId,
      facts.agentVersion,
      facts.kubernetesVersion,
      facts.namespaces,
      facts.serial ?? null,
      facts.protocol,
      facts.missingRights && JSON.stringify(facts.missingRights),
    ],
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
