/** Statements on `event`: what happened, in order, once. */

import { SluiceError } from '../../shared/errors.ts';
import { Gather, perStore } from './gather.ts';
import { ROLLOUT_ASSIGNMENTS, ROLLOUT_COLUMNS } from './rollouts.ts';
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
 * Records an event and what it changes of its rollout. A replay changes nothing.
 * @returns the event; undefined if it was recorded before.
 * @throws SluiceError NO_SUCH_DEPLOYMENT.
 */
export async function recordEvent(store: Store, event: NewEvent): Promise<EventRow | undefined> {
  const outcome = await records(store).add(event);
  if (outcome.known) return outcome.event;
  throw new SluiceError(
    'NO_SUCH_DEPLOYMENT',
    `There is no deployment ${event.deploymentId}: its event ${event.kind} cannot be recorded.`,
  );
}

type Outcome = { known: true; event: EventRow | undefined } | { known: false };

/**
 * Not awaited by the disk: the commits of the run's steps are, and each puts what was written before it on disk with itself.
 * Lost with the machine, an event is said again by the replay that follows.
 */
const records = perStore(
  (store) =>
    new Gather<NewEvent, Outcome>(async (events) => {
      const values = [JSON.stringify(events.map(eventRecord)), JSON.stringify(rolloutPatches(events))];
      const { rows } = await store.relaxed.query<Recorded>({ name: 'record events', text: RECORD, values });
      const [recorded] = rows;
      const told = (recorded?.events ?? [])
        .map((row) => ({ ...row, at: new Date(row.at) }))
        .sort((a, b) => a.id - b.id);
      // Rollouts first: who is woken by an event may look at its rollout.
      for (const row of recorded?.rollouts ?? []) store.changes.emit('rollout', withRolloutDates(row));
      for (const row of told) store.changes.emit('event', row);
      const known = new Set(recorded?.deployments);
      return events.map((event): Outcome => {
        if (!known.has(event.deploymentId)) return { known: false };
        const at = told.findIndex((row) => isOf(row, event));
        return { known: true, event: at < 0 ? undefined : told.splice(at, 1)[0] };
      });
    }),
);

function isOf(row: EventRow, { deploymentId, rolloutId, seq }: NewEvent): boolean {
  return row.deploymentId === deploymentId && row.rolloutId === rolloutId && row.seq === seq;
}

/** Ids follow the order of asking. */
function eventRecord(event: NewEvent, place: number): Record<string, unknown> {
  const { deploymentId, rolloutId, seq, kind, message, detail, at } = event;
  return { place, deploymentId, rolloutId, seq, kind, message, detail: detail ?? null, at: at ?? null };
}

/** One for each rollout: what its newest event shows, over what the earlier ones do. */
function rolloutPatches(events: NewEvent[]): object[] {
  const patches = new Map<string, { rolloutId: string; deploymentId: string; seq: number; patch: object }>();
  for (const { rolloutId, deploymentId, seq, rollout = {} } of events) {
    if (rolloutId === null) continue;
    const before = patches.get(rolloutId);
    const patch = { ...before?.patch, ...rollout };
    patches.set(rolloutId, { rolloutId, deploymentId, seq: Math.max(seq, before?.seq ?? seq), patch });
  }
  return [...patches.values()];
}

/** Rows come as JSON, so dates are text. */
interface Recorded {
  deployments: string[];
  events: (Omit<EventRow, 'at'> & { at: string })[] | null;
  rollouts: RolloutRow[] | null;
}

/** The deployments' rows are locked for the statement, so that ids become visible in their order. */
const RECORD = `
  with n as (
    select * from jsonb_to_recordset($1::jsonb) as n (
      place integer, "deploymentId" text, "rolloutId" text, seq integer, kind text, message text, detail jsonb, at timestamptz)
  ),
  p as (select * from jsonb_to_recordset($2::jsonb) as p ("rolloutId" text, "deploymentId" text, seq integer, patch jsonb)),
  d as (select id from sluice.deployment where id in (select "deploymentId" from n) order by id for no key update),
  e as (
    insert into sluice.event (deployment_id, rollout_id, seq, kind, message, detail, at)
    select n."deploymentId", n."rolloutId", n.seq, n.kind, n.message, n.detail, coalesce(n.at, now())
    from n join d on d.id = n."deploymentId" order by n.place
    on conflict do nothing
    returning ${EVENT_COLUMNS}
  ),
  r as (
    update sluice.rollout set updated_seq = p.seq, updated_at = now(), ${ROLLOUT_ASSIGNMENTS}
    from p where rollout.id = p."rolloutId" and rollout.deployment_id = p."deploymentId" and rollout.updated_seq < p.seq
    returning ${ROLLOUT_COLUMNS}
  )
  select (select array_agg(id) from d) as deployments, (select jsonb_agg(to_jsonb(e)) from e) as events,
    (select jsonb_agg(to_jsonb(r)) from r) as rollouts`;

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
