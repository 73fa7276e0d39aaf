/** Statements on `timer`: how long a waiting step was really watched. Time in which nothing ran is not in it. */

import { Gather, perStore } from './gather.ts';
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
export function noteWatched(store: Store, rolloutId: string, seq: number, watchedMs: number): Promise<void> {
  return notes(store).add({ rolloutId, seq, watchedMs: Math.floor(watchedMs) });
}

/** Every pause notes its time each second. Not awaited by the disk: lost with the machine, a pause is a second longer. */
const notes = perStore(
  (store) =>
    new Gather<{ rolloutId: string; seq: number; watchedMs: number }, void>(async (times) => {
      await store.relaxed.query({
        name: 'note watched',
        text: `insert into sluice.timer (rollout_id, seq, watched_ms)
          select rollout_id, seq, max(watched_ms)
          from unnest($1::text[], $2::integer[], $3::bigint[]) as t (rollout_id, seq, watched_ms) group by rollout_id, seq
          on conflict (rollout_id, seq) do update set watched_ms = greatest(timer.watched_ms, excluded.watched_ms)`,
        values: [
          times.map(({ rolloutId }) => rolloutId),
          times.map(({ seq }) => seq),
          times.map(({ watchedMs }) => watchedMs),
        ],
      });
      return times.map(() => undefined);
    }),
);
