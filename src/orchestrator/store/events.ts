/** Statements on `event`: what happened, in order, once. */

import { SluiceError } from '../../shared/errors.ts';
import { ROLLOUT_COLUMNS, rolloutAssignments } from './rollouts.ts';
import type { RolloutPatch, RolloutRow } from './rollouts.ts';
import type { Store } from './store.ts';

export interface EventRow {
  /** Rises in the order of commit within a deployment: "after this id" misses none. */
  id: number;
  deploymentId: string;
  rolloutId: string | null;
  /** The run's own count: the same seq is the same event, however often it is recorded. */
  seq: number;
  kind: string;
  /** A sentence for people. */
  message: string;
  detail: unknown;
  at: Date;
}

export interface NewEvent {
  deploymentId: string;
  /** Null: of the deployment as a whole, with a count of its own. */
  rolloutId: string | null;
  seq: number;
  kind: string;
  message: string;
  /** JSON. */
  detail?: unknown;
  /** What the rollout shows from now on, if no later event was recorded already. */
  rollout?: Partial<RolloutPatch> | undefined;
  /** Default: the database's clock. */
  at?: Date | undefined;
}

const EVENT_COLUMNS = `id::float8 as id, deployment_id as "deploymentId", rollout_id as "rolloutId", seq, kind, message, detail, at`;

/**
 * Records an event and what it changes of its rollout, in one statement. A replay changes nothing.
 * The deployment's row is locked for the statement, so that ids become visible in their order.
 * @returns the event; undefined if it was recorded before.
 * @throws SluiceError NO_SUCH_DEPLOYMENT.
 */
export function recordEvent(store: Store, event: NewEvent): Promise<EventRow | undefined> {
  return inTurn(store, event.deploymentId, () => record(store, event));
}

/** By store, the deployment's newest event on its way. */
const underWay = new WeakMap<Store, Map<string, Promise<unknown>>>();

/**
 * One at a time for each deployment. The database makes them wait for each other anyway; but answers on two connections may
 * overtake one another, and then who listens would be told of an event after a later one.
 */
function inTurn<T>(store: Store, deploymentId: string, act: () => Promise<T>): Promise<T> {
  const tails = underWay.get(store) ?? new Map<string, Promise<unknown>>();
  underWay.set(store, tails);
  const turn = (tails.get(deploymentId) ?? Promise.resolve()).then(act);
  const tail = turn
    .catch(() => {})
    .finally(() => {
      if (tails.get(deploymentId) === tail) tails.delete(deploymentId);
    });
  tails.set(deploymentId, tail);
  return turn;
}

async function record(store: Store, event: NewEvent): Promise<EventRow | undefined> {
  const values: unknown[] = [
    event.deploymentId,
    event.rolloutId,
    event.seq,
    event.kind,
    event.message,
    event.detail === undefined ? null : JSON.stringify(event.detail),
    event.at ?? null,
  ];
  const assignments = event.rolloutId === null ? [] : rolloutAssignments(event.rollout ?? {}, values);
  const { rows } = await store.pool.query<Recorded>(statement(assignments, event.rolloutId !== null), values);
  const recorded = rows[0];
  if (!recorded)
    throw new SluiceError(
      'NO_SUCH_DEPLOYMENT',
      `There is no deployment ${event.deploymentId}: its event ${event.kind} cannot be recorded.`,
    );
  // The rollout first: who is woken by the event may look at it.
  if (recorded.rollout) store.changes.emit('rollout', withRolloutDates(recorded.rollout));
  if (recorded.event) store.changes.emit('event', { ...recorded.event, at: new Date(recorded.event.at) });
  return recorded.event ? { ...recorded.event, at: new Date(recorded.event.at) } : undefined;
}

/** Rows come as JSON, so dates are text. */
interface Recorded {
  event: (Omit<EventRow, 'at'> & { at: string }) | null;
  rollout: RolloutRow | null;
}

function statement(assignments: string[], ofRollout: boolean): string {
  const set = ['updated_seq = $3', 'updated_at = now()', ...assignments].join(', ');
  const update = ofRollout
    ? `update sluice.rollout set ${set} where id = $2 and deployment_id = $1 and updated_seq < $3 returning ${ROLLOUT_COLUMNS}`
    : `select null where false`;
  return `
    with d as (select id from sluice.deployment where id = $1 for no key update),
    e as (
      insert into sluice.event (deployment_id, rollout_id, seq, kind, message, detail, at)
      select d.id, $2, $3, $4, $5, $6::jsonb, coalesce($7::timestamptz, now()) from d
      on conflict do nothing
      returning ${EVENT_COLUMNS}
    ),
    r as (${update})
    select (select to_jsonb(e) from e) as event, (select to_jsonb(r) from r) as rollout from d`;
}

function withRolloutDates(row: RolloutRow): RolloutRow {
  const date = (value: Date | null): Date | null => (value === null ? null : new Date(value));
  return { ...row, updatedAt: new Date(row.updatedAt), startedAt: date(row.startedAt), endedAt: date(row.endedAt) };
}

/** A deployment's events after an id, oldest first. */
export async function listEvents(store: Store, deploymentId: string, afterId = 0, limit = 1000): Promise<EventRow[]> {
  const { rows } = await store.pool.query<EventRow>(
    `select ${EVENT_COLUMNS} from sluice.event where deployment_id = $1 and event.id > $2 order by event.id limit $3`,
    [deploymentId, afterId, limit],
  );
  return rows;
}

/** The last seq a run recorded, so that it goes on counting; -1 before the first. */
export async function lastSeq(store: Store, deploymentId: string, rolloutId: string | null): Promise<number> {
  const { rows } = await store.pool.query<{ seq: number }>(
    `select coalesce(max(seq), -1) as seq from sluice.event where deployment_id = $1 and rollout_id is not distinct from $2`,
    [deploymentId, rolloutId],
  );
  return rows[0]?.seq ?? -1;
}
