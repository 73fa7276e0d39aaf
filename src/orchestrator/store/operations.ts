/** Statements on `operation`: what agents were told to do, kept until and after their result. */

import type { Operation, OperationResult, OperationSpec, ResultCode, TerminalState } from '../../protocol/operation.ts';
import type { Store } from './store.ts';

export interface OperationRow extends Operation {
  account: string;
  /** `open` until its result is stored. */
  state: 'open' | TerminalState;
  result: OperationResult | undefined;
}

interface RawRow {
  id: string;
  account: string;
  deploymentId: string;
  namespace: string;
  spec: OperationSpec;
  notAfter: Date;
  state: 'open' | TerminalState;
  code: ResultCode | null;
  message: string | null;
  value: unknown;
  endedAt: Date | null;
}

const COLUMNS = `id, account, deployment_id as "deploymentId", namespace, spec, not_after as "notAfter", state, code, message, value, ended_at as "endedAt"`;

/**
 * Stores an operation before it is sent; the same id again changes nothing.
 * @returns the stored one: with its result if it has ended already.
 */
export async function insertOperation(store: Store, account: string, operation: Operation): Promise<OperationRow> {
  const { rowCount } = await store.pool.query(
    `insert into sluice.operation (id, account, deployment_id, namespace, spec, not_after, state)
     values ($1, $2, $3, $4, $5, $6, 'open') on conflict (id) do nothing`,
    [
      operation.id,
      account,
      operation.deploymentId,
      operation.namespace,
      JSON.stringify(operation.spec),
      new Date(operation.notAfterMs),
    ],
  );
  if (rowCount === 1) return { ...operation, account, state: 'open', result: undefined };
  const stored = await readOperation(store, operation.id);
  if (!stored) throw new Error(`operation ${operation.id} is neither new nor there`); // nothing deletes operations of a running deployment
  return stored;
}

export async function readOperation(store: Store, id: string): Promise<OperationRow | undefined> {
  const { rows } = await store.pool.query<RawRow>(`select ${COLUMNS} from sluice.operation where id = $1`, [id]);
  return rows[0] && operationRow(rows[0]);
}

/** Operations without a result, of one account or of all, oldest first. */
export async function openOperations(store: Store, account?: string): Promise<OperationRow[]> {
  const { rows } = await store.pool.query<RawRow>(
    `select ${COLUMNS} from sluice.operation where ended_at is null and ($1::text is null or account = $1) order by created_at, id`,
    [account ?? null],
  );
  return rows.map(operationRow);
}

/**
 * Stores how an operation ended, unless that is stored already: the first word holds.
 * @returns false if it had ended before, or is unknown, or is another account's.
 */
export async function storeResult(store: Store, account: string, result: OperationResult): Promise<boolean> {
  const { rowCount } = await store.pool.query(
    `update sluice.operation set state = $3, code = $4, message = $5, value = $6::jsonb, ended_at = $7
     where id = $1 and account = $2 and ended_at is null`,
    [
      result.id,
      account,
      result.state,
      result.code,
      result.message,
      result.value === undefined ? null : JSON.stringify(result.value),
      new Date(result.atMs),
    ],
  );
  return rowCount === 1;
}

function operationRow(row: RawRow): OperationRow {
  const { notAfter, code, message, value, endedAt, state, ...rest } = row;
  const operation = { ...rest, notAfterMs: notAfter.getTime(), state };
  if (state === 'open' || endedAt === null) return { ...operation, result: undefined };
  const result: OperationResult = {
    id: row.id,
    state,
    code: code ?? 'INTERNAL',
    message: message ?? '',
    atMs: endedAt.getTime(),
  };
  return { ...operation, result: value === null ? result : { ...result, value } };
}
