/** What `npm run matrix` and `npm run soak` ask of tests: their whole extent instead of the share that every run has, and figures. */

import { appendFileSync } from 'node:fs';

/** The whole extent is asked for. */
export const isLong = process.env['LONG_RUN'] === '1';

/** Prints the figures of a test, seeds among them, and hands them to the script that asked for a long run. */
export function figures(name: string, facts: Record<string, unknown>): void {
  const line = JSON.stringify({ name, ...facts });
  console.log(line);
  const file = process.env['LONG_RUN_FIGURES'];
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}
