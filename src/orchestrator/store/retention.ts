/** Statements that take away what nobody needs any more: only ever of deployments that are over. */

import type { Store } from './store.ts';

/** What a run works with: needed for as long as it may be resumed, and the bulk of all data. */
export interface Finished {
  deploymentId: string;
  /** Ids of its workflows, as the engine knows them. */
  workflowIds: string[];
}

const FINISHED = `
  select d.id as "deploymentId", array(select d.id union all select r.id from sluice.rollout r where r.deployment_id = d.id) as "workflowIds"
  from sluice.deployment d`;

/** Deployments that ended before a moment and of which steps or operations are left; oldest first. */
export async function finishedWithWork(store: Store, before: Date, limit: number): Promise<Finished[]> {
  const { rows } = await store.pool.query<Finished>(
    `${FINISHED} where d.ended_at < $1 and (
       exists (select from sluice.operation o where o.deployment_id = d.id)
       or exists (select from sluice.rollout r join sluice.step s on s.workflow_id = r.id where r.deployment_id = d.id))
     order by d.ended_at limit $2`,
    [before, limit],
  );
  return rows;
}

/** Deployments that ended before a moment; oldest first. */
export async function finished(store: Store, before: Date, limit: number): Promise<Finished[]> {
  const { rows } = await store.pool.query<Finished>(`${FINISHED} where d.ended_at < $1 order by d.ended_at limit $2`, [
    before,
    limit,
  ]);
  return rows;
}

/** Removes steps and operations. A deployment that is not over keeps its own, whatever is asked. */
export async function deleteWork(store: Store, deploymentIds: string[]): Promise<void> {
  await store.pool.query(
    `with over as (select id from sluice.deployment where id = any($1) and ended_at is not null),
       s as (delete from sluice.step using sluice.rollout r, over where step.workflow_id = r.id and r.deployment_id = over.id)
     delete from sluice.operation using over where operation.deployment_id = over.id`,
    [deploymentIds],
  );
}

/** Removes deployments with rollouts, events, controls and timers. One that is not over stays, whatever is asked. */
export async function deleteDeployments(store: Store, deploymentIds: string[]): Promise<void> {
  await store.pool.query('delete from sluice.deployment where id = any($1) and ended_at is not null', [deploymentIds]);
}
