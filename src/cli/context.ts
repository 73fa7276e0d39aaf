/** What every command is given: the API, where to write, and when to stop. */

import type { ApiClient } from './api-client.ts';
import type { Output } from './output.ts';

export interface CommandContext {
  api: ApiClient;
  out: Output;
  /** Aborts at Ctrl-C. */
  signal: AbortSignal;
  /** Who acts, as it is written down: the person's login name. */
  by: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Of child processes; commands themselves read none of it. */
  environment: Record<string, string | undefined>;
}
