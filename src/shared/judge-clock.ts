/** Whether two machines agree on the time. Pure. */

import { fail, ok, showSpan, warn } from './check.ts';
import type { Check } from './check.ts';

/** Who reads two logs side by side is led astray. */
const TELL_MS = 30_000;
/** New certificates are dated back by so much: beyond it one is not valid yet on the machine that is behind. */
const BREAKS_MS = 60 * 60 * 1000;

/**
 * @param aheadMs how far the other's clock is ahead of ours.
 * @param other whose it is: `the orchestrator's`.
 */
export function judgeClock(aheadMs: number, other: string): Check {
  const span = showSpan(aheadMs);
  const side = aheadMs > 0 ? 'ahead of' : 'behind';
  const detail = `${other} clock is ${span} ${side} this machine's`;
  const hint = 'Set the clock that is wrong (chrony, systemd-timesyncd, or the time of the virtual machine).';
  if (Math.abs(aheadMs) >= BREAKS_MS)
    return fail('clock', 'clock', `${detail}: certificates are not valid on both`, hint);
  if (Math.abs(aheadMs) > TELL_MS) return warn('clock', 'clock', detail, hint);
  return ok('clock', 'clock', `within ${showSpan(Math.max(1000, Math.abs(aheadMs)))} of ${other}`);
}
