/** A span of time as it is given on the command line. */

import { EXIT, Exit } from './exit-code.ts';

const MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90d` -> milliseconds. @param flag for the message. @throws Exit (invalid). */
export function readSpan(flag: string, text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * (MS[unit] ?? 0);
  if (ms > 0) return ms;
  throw new Exit(EXIT.invalid, `${flag} ${text}: must be a number and s, m, h or d, such as 12h or 90d`);
}
