/** Statements on `control`: what people asked of a running deployment. Never changed: the run reads them in order and says what it did. */

import { SluiceError } from '../../shared/errors.ts';
import type { Store } from './store.ts';

type ControlKind = 'approve' | 'abort' | 'rollForward' | 'rollBack' | 'retry';

export interface ControlRow {
  /** Rises in the order of commit within a deployment. */
  id: number;
  deploymentId: string;
  /** Null: meant for all rollouts of the deployment. */
  rolloutId: string | null;
  kind: ControlKind;
  by: string;
  reason: string | null;
  detail: unknown;
  at: Date;
}

export interface NewControl {
  deploymentId: string;
  rolloutId?: string | null | undefined;
  kind: ControlKind;
  by: string;
  reason?: string | null | undefined;
  /** JSON. */
  detail?: unknown;
}

const COLUMNS = `id::float8 as id, deployment_id as "deploymentId", rollout_id as "rolloutId", kind, by, reason, detail, at`;

/**
 * Stores a control and wakes who waits for it.
 * @throws SluiceError NO_SUCH_DEPLOYMENT.
 */
export async function insertControl(store: Store, control: NewControl): Promise<ControlRow> {
  const { rows } = await store.pool.query<ControlRow>(
    `with d as (select id from sluice.deployment where id = $1 for no key update)
     insert into sluice.control (deployment_id, rollout_id, kind, by, reason, detail)
     select d.id, $2, $3, $4, $5, $6::jsonb from d
     returning ${COLUMNS}`,
    [
      control.deploymentId,
      control.rolloutId ?? null,
      control.kind,
      control.by,
      control.reason ?? null,
      control.detail === undefined ? null : JSON.stringify(control.detail),
    ],
  );
  const row = rows[0];
  if (!row)
    throw new SluiceError(
      'NO_SUCH_DEPLOYMENT',
      `There is no deployment ${control.deploymentId}. List them with: sluice status`,
    );
  store.changes.emit('control', row);
  return row;
}

/**
 * Stores an approval of one rollout, if it waits for one at this step, and wakes it. The step stands in its detail: one that
 * comes a moment late is not one of the next step, which may ask for somebody else.
 * @returns false when it does not wait there (any more).
 */
export async function insertApproval(
  store: Store,
  { deploymentId, rolloutId, by, step }: { deploymentId: string; rolloutId: string; by: string; step: number },
): Promise<boolean> {
  const { rows } = await store.pool.query<ControlRow>(
    `with d as (select id from sluice.deployment where id = $1 for no key update),
       r as (select id from sluice.rollout where id = $2 and state = 'waitingApproval' and step = $4 for share)
     insert into sluice.control (deployment_id, rollout_id, kind, by, detail)
     select d.id, r.id, 'approve', $3, jsonb_build_object('step', $4::integer) from d, r
     returning ${COLUMNS}`,
    [deploymentId, rolloutId, by, step],
  );
  const [row] = rows;
  if (row !== undefined) store.changes.emit('control', row);
  return row !== undefined;
}

/** What was asked of one rollout, by name or together with all of its deployment, after an id; oldest first. */
export async function controlsAfter(
  store: Store,
  rolloutId: string,
  deploymentId: string,
  afterId: number,
): Promise<ControlRow[]> {
  const { rows } = await store.pool.query<ControlRow>(
    `select ${COLUMNS} from sluice.control
     where deployment_id = $1 and (rollout_id is null or rollout_id = $2) and control.id > $3 order by control.id`,
    [deploymentId, rolloutId, afterId],
  );
  return rows;
}

/** Calls back at each new control of a deployment. Listen first, then read with `controlsAfter`: so none is missed. Returns the way to stop. */
export function onControl(store: Store, deploymentId: string, listener: (control: ControlRow) => void): () => void {
  const filtered = (control: ControlRow): void => {
    if (control.deploymentId === deploymentId) listener(control);
  };
  store.changes.on('control', filtered);
  return () => store.changes.off('control', filtered);
}
