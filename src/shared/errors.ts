/** The one error class: what happened, to what, what to do, and whether trying again can help. */

/** `retry`: the same call may succeed later. `terminal`: it never will as it stands. `stalled`: a person has to act first. */
export type Disposition = 'retry' | 'terminal' | 'stalled';

export interface SluiceErrorOptions {
  /** Default: terminal. */
  disposition?: Disposition;
  cause?: unknown;
}

export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  /** Stable, upper case, listed in docs/errors.md. */
  readonly code: string;
  readonly disposition: Disposition;

  constructor(code: string, message: string, options: SluiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.disposition = options.disposition ?? 'terminal';
  }
}

/** The text of anything that was thrown. Never its other fields: clients hang request headers, and so tokens, on errors. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of anything that was thrown, if it has one: ours, or the one of Node and its clients (ECONNRESET). */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined;
}
