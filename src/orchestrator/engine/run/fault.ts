/** Why a run leaves its way: thrown between steps, never out of one, and always turned into a rollback or an outcome. */

import type { OperationResult } from '../../../protocol/operation.ts';

/** Something is wrong with the canary or the cluster: the run rolls back. Thrown by the run's own code only. */
export class RunFault extends Error {
  override readonly name = 'RunFault';
}

/** A person asked for a rollback. */
export class Aborted extends Error {
  override readonly name = 'Aborted';
  readonly by: string;

  constructor(by: string, reason: string) {
    super(reason === '' ? `aborted by ${by}` : `aborted by ${by}: ${reason}`);
    this.by = by;
  }
}

/** An operation ended badly. Its message is the agent's, which says what a person can do. */
export class OperationFault extends RunFault {
  readonly result: OperationResult;

  constructor(what: string, result: OperationResult) {
    super(`${what} failed: ${result.message} (${result.code})`);
    this.result = result;
  }
}
