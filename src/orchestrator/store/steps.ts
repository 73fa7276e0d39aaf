/** Statements on `step`: how each step of each run ended, so that a resumed run does not do it again. */

import { Gather, perStore } from './gather.ts';
import type { Store } from './store.ts';

export interface StepRow {
  workflowId: string;
  /** Counts the workflow's steps, from 1. */
  number: number;
  name: string;
  /** JSON; null: nothing was returned. */
  output: string | null;
  /** JSON; null: it did not throw. */
  error: string | null;
}

/** A workflow's steps, in their order. */
export async function listSteps(store: Store, workflowId: string): Promise<StepRow[]> {
  const { rows } = await store.pool.query<StepRow>({
    name: 'list steps',
    text: `select workflow_id as "workflowId", number, name, output, error from sluice.step where workflow_id = $1 order by number`,
    values: [workflowId],
  });
  return rows;
}

/**
 * Records a step, on disk when this resolves.
 * @returns false if another record of it is there: another process runs the workflow too.
 */
export function recordStep(store: Store, step: StepRow): Promise<boolean> {
  return records(store).add(step);
}

/** The same record again is no other one: an answer may be lost after its commit. */
const records = perStore(
  (store) =>
    new Gather<StepRow, boolean>(async (steps) => {
      const { rows } = await store.pool.query<{ ours: boolean | null }>({
        name: 'record steps',
        text: `with given as (
            select * from unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[])
              with ordinality as s (workflow_id, number, name, output, error, place)
          ), added as (
            insert into sluice.step (workflow_id, number, name, output, error)
            select workflow_id, number, name, output, error from given
            on conflict do nothing
            returning workflow_id, number
          )
          select added.number is not null or (known.name = given.name and known.output is not distinct from given.output
            and known.error is not distinct from given.error) as ours
          from given left join added using (workflow_id, number) left join sluice.step known using (workflow_id, number)
          order by place`,
        values: [
          steps.map(({ workflowId }) => workflowId),
          steps.map(({ number }) => number),
          steps.map(({ name }) => name),
          steps.map(({ output }) => output),
          steps.map(({ error }) => error),
        ],
      });
      return rows.map(({ ours }) => ours === true);
    }),
);
