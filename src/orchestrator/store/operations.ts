/** Statements on `operation`: what agents were told to do, kept until and after their result. */

import type { Operation, OperationResult, OperationSpec, ResultCode, TerminalState } from '../../protocol/operation.ts';
import { Gather, perStore } from './gather.ts';
import type { Store } from './store.ts';

export interface OperationRow extends Operation {
  account: string;
  generation: number;
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
  generation: number;
  afterGuard: boolean;
  state: 'open' | TerminalState;
  code: ResultCode | null;
  message: string | null;
  value: unknown;
  endedAt: Date | null;
}

const COLUMNS = `id, account, deployment_id as "deploymentId", namespace, spec, not_after as "notAfter", generation::float8 as generation,
  after_guard as "afterGuard", state, code, message, value, ended_at as "endedAt"`;

/**
 * Stores an operation before it is sent, with its generation; the same id again changes nothing.
 * @returns the stored one: with its result if it has ended already.
 */
export async function insertOperation(
  store: Store,
  account: string,
  operation: Operation,
): Promise<OperationRow & { isNew: boolean }> {
  const generation = await inserts(store).add({ ...operation, account });
  if (generation !== undefined) {
    return { ...operation, generation, account, state: 'open', result: undefined, isNew: true };
  }
  const stored = await readOperation(store, operation.id);
  if (!stored) throw new Error(`operation ${operation.id} is neither new nor there`); // nothing deletes operations of a running deployment
  return { ...stored, isNew: false };
}

/** The wall clock leaves room for as many generations in each millisecond: far more than are ever asked for. */
const GENERATIONS_PER_MS = 1024;

/**
 * Raises the generations to come past all that were ever given: at each start, since the database may be one that was restored
 * from a backup. By the clock, which goes on while a backup lies there; until the year 2248 the numbers are exact in JSON.
 */
export async function raiseGenerations(store: Store, nowMs: number): Promise<void> {
  await store.pool.query(
    `select setval('sluice.operation_generation', greatest(nextval('sluice.operation_generation'), $1::bigint))`,
    [nowMs * GENERATIONS_PER_MS],
  );
}

/** The generations of those that were new. Not awaited by the disk: lost with the machine, an operation is asked and stored anew by its run. */
const inserts = perStore(
  (store) =>
    new Gather<Operation & { account: string }, number | undefined>(async (operations) => {
      const { rows } = await store.relaxed.query<{ id: string; generation: number }>({
        name: 'insert operations',
        text: `insert into sluice.operation (id, account, deployment_id, namespace, spec, not_after, after_guard, state)
          select id, account, deployment_id, namespace, spec::jsonb, not_after, after_guard, 'open'
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::boolean[])
            as o (id, account, deployment_id, namespace, spec, not_after, after_guard)
          on conflict (id) do nothing returning id, generation::float8 as generation`,
        values: [
          operations.map(({ id }) => id),
          operations.map(({ account }) => account),
          operations.map(({ deploymentId }) => deploymentId),
          operations.map(({ namespace }) => namespace),
          operations.map(({ spec }) => JSON.stringify(spec)),
          operations.map(({ notAfterMs }) => new Date(notAfterMs)),
          operations.map(({ afterGuard = false }) => afterGuard),
        ],
      });
      const given = new Map(rows.map(({ id, generation }) => [id, generation]));
      return firsts(operations, rows).map((isNew, index) =>
        isNew ? given.get(operations[index]?.id ?? '') : undefined,
      );
    }),
);

/** Of several with one id in one statement the first was taken. */
function firsts(asked: { id: string }[], taken: { id: string }[]): boolean[] {
  const left = new Set(taken.map(({ id }) => id));
  return asked.map(({ id }) => left.delete(id));
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
export function storeResult(store: Store, account: string, result: OperationResult): Promise<boolean> {
  return results(store).add({ ...result, account });
}

/**
 * Not awaited by the disk either. It is there for every process that asks, and a step that rests on it is recorded later, with
 * a commit that is awaited and puts this one on disk before itself. Lost with the machine, the operation is done again.
 */
const results = perStore(
  (store) =>
    new Gather<OperationResult & { account: string }, boolean>(async (ended) => {
      const { rows } = await store.relaxed.query<{ id: string }>({
        name: 'store results',
        text: `update sluice.operation
          set state = r.state, code = r.code, message = r.message, value = r.value::jsonb, ended_at = r.ended_at
          from (select distinct on (id, account) * from
            unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
              with ordinality as r (id, account, state, code, message, value, ended_at, place) order by id, account, place) r
          where operation.id = r.id and operation.account = r.account and operation.ended_at is null
          returning operation.id || ' ' || operation.account as id`,
        values: [
          ended.map(({ id }) => id),
          ended.map(({ account }) => account),
          ended.map(({ state }) => state),
          ended.map(({ code }) => code),
          ended.map(({ message }) => message),
          ended.map(({ value }) => (value === undefined ? null : JSON.stringify(value))),
          ended.map(({ atMs }) => new Date(atMs)),
        ],
      });
      return firsts(
        ended.map(({ id, account }) => ({ id: `${id} ${account}` })),
        rows,
      );
    }),
);

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
