/** One statement that counts what is under way, for metrics and for people. */

import type { Store } from './store.ts';

/** By state or kind; what there is none of is absent. */
export interface Census {
  deployments: Record<string, number>;
  rollouts: Record<string, number>;
  /** Seconds since the last event of the rollout that has said nothing for longest, by state. */
  rolloutsQuiet: Record<string, number>;
  operations: number;
  /** Seconds. */
  operationsOldest: number;
  alerts: Record<string, number>;
  databaseBytes: number;
}

interface Row {
  what: 'deployment' | 'rollout' | 'operation' | 'alert' | 'size';
  state: string;
  count: number;
  oldest: number;
}

/** Reads what is not over, which is indexed: it does not get slower with history. */
const CENSUS = `
  with active as (select id, state from sluice.deployment where state not in ('succeeded', 'rolledBack', 'aborted', 'failed'))
  select 'deployment' as what, state, count(*)::float8 as count, 0::float8 as oldest from active group by state
  union all
  select 'rollout', r.state, count(*)::float8, extract(epoch from now() - min(r.updated_at))::float8
    from active join sluice.rollout r on r.deployment_id = active.id where r.ended_at is null group by r.state
  union all
  select 'operation', 'open', count(*)::float8, coalesce(extract(epoch from now() - min(created_at)), 0)::float8
    from sluice.operation where ended_at is null
  union all
  select 'alert', kind, count(*)::float8, 0 from sluice.alert
    where closed_at is null and last_at > now() - interval '24 hours' group by kind
  union all
  select 'size', '', pg_database_size(current_database())::float8, 0`;

export async function takeCensus(store: Store): Promise<Census> {
  const { rows } = await store.pool.query<Row>({ name: 'census', text: CENSUS });
  const of = (what: Row['what']): Row[] => rows.filter((row) => row.what === what);
  const counts = (what: Row['what']): Record<string, number> =>
    Object.fromEntries(of(what).map(({ state, count }) => [state, count]));
  const [operation] = of('operation');
  return {
    deployments: counts('deployment'),
    rollouts: counts('rollout'),
    rolloutsQuiet: Object.fromEntries(of('rollout').map(({ state, oldest }) => [state, Math.max(0, oldest)])),
    operations: operation?.count ?? 0,
    operationsOldest: Math.max(0, operation?.oldest ?? 0),
    alerts: counts('alert'),
    databaseBytes: of('size')[0]?.count ?? 0,
  };
}
