/** Exit codes: one for each outcome, so that a pipeline can tell a rollback from a typing error. */

export const EXIT = {
  succeeded: 0,
  error: 1,
  /** Wrong usage, or a file with problems. */
  invalid: 2,
  /** A deployment of the application is under way. */
  conflict: 3,
  rolledBack: 4,
  aborted: 5,
  /** Ended without a rollback: refused before anything was changed, or a first deployment that was taken back. */
  failed: 6,
  /** The orchestrator does not answer. */
  unreachable: 7,
  /** Not over: it waits for a person to put something right. */
  stalled: 8,
  /** Ctrl-C, as shells count it: the outcome is not known, so it is none of the others. */
  left: 130,
} as const;

const OF_STATE: Record<string, number> = {
  succeeded: EXIT.succeeded,
  rolledBack: EXIT.rolledBack,
  aborted: EXIT.aborted,
  failed: EXIT.failed,
};

/** Of a deployment that is over. */
export function exitCodeOf(state: string): number {
  return OF_STATE[state] ?? EXIT.error;
}

export const EXIT_HELP = `
Exit codes:
    0  succeeded
    1  error
    2  wrong usage, or a deployment file with problems
    3  a deployment of the application is under way
    4  rolled back
    5  aborted by a person, and rolled back
    6  failed: nothing was changed, or a first deployment was taken back
    7  the orchestrator does not answer
    8  stalled, and nobody waits for a person (--exit-when-stalled): not over
  130  no longer watched (Ctrl-C): the deployment goes on`;

/** Ends the command: what is printed, and with which code. */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
