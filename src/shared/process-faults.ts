/** What Node would write to standard error by itself, as lines of the log: warnings of libraries, and the fault that ends the process. */

import type { Log } from './log.ts';

/**
 * Node prints an error with all its fields, and clients hang headers, and so tokens, on errors: here it is code, message and
 * where it was thrown.
 * @param end default: ends the process with code 1.
 */
export function logProcessFaults(log: Log, end: () => void = () => process.exit(1)): void {
  process.removeAllListeners('warning');
  // Nobody who runs Sluice can act on what a library says to its user.
  process.on('warning', (warning) => log.debug({ what: warning.message }, 'runtime warning'));
  // Of a rejection that nobody handled too.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error, stack: error instanceof Error ? framesOf(error) : undefined }, 'unexpected fault');
    end();
  });
}

/** Without the message, which `err` has. */
function framesOf({ stack = '' }: Error): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}
