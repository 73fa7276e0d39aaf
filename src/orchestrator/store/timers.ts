/** Statements on `timer`: how long a waiting step was really watched. Time in which nothing ran is not in it. */

import type { Store } from './store.ts';

/** Milliseconds watched so far; 0 before the first note. */
export async function readWatched(store: Store, rolloutId: string, seq: number): Promise<number> {
  const { rows } = await store.pool.query<{ watched: number }>(
    `select watched_ms::float8 as watched from sluice.timer where rollout_id = $1 and seq = $2`,
    [rolloutId, seq],
  );
  return rows[0]?.watched ?? 0;
}

/** Notes the whole time watched so far (not an addition). A smaller number than the stored one changes nothing. */
export async function noteWatched(store: Store, rolloutId: string, seq: number, watchedMs: number): Promise<void> {
  await store.pool.query(
    `insert into sluice.timer (rollout_id, seq, watched_ms) values ($1, $2, $3)
     on conflict (rollout_id, seq) do update set watched_ms = greatest(timer.watched_ms, excluded.watched_ms)`,
    [rolloutId, seq, Math.floor(watchedMs)],
  );
}
