/** Whether a certificate holds now, and for how long still. Pure. */

import { fail, ok, showDate, showSpan, warn } from './check.ts';
import type { Check } from './check.ts';

export interface Validity {
  validFromMs: number;
  validToMs: number;
}

export interface CertificateWords {
  id: string;
  title: string;
  /** What it is, as the sentence's subject: `the certificate of account east`. */
  what: string;
  /** What to do when it is over, or nearly. */
  renew: string;
  /** Below this much life left a person is told. Milliseconds. */
  warnBelowMs: number;
}

export function judgeValidity({ validFromMs, validToMs }: Validity, nowMs: number, words: CertificateWords): Check {
  const { id, title, what, renew, warnBelowMs } = words;
  if (nowMs < validFromMs) {
    const early = showSpan(validFromMs - nowMs);
    const hint = `Set this machine's clock: it is behind by ${early} or more. If the clock is right: ${renew}`;
    return fail(id, title, `${what} is not valid before ${instant(validFromMs)}`, hint);
  }
  if (nowMs >= validToMs) return fail(id, title, `${what} expired on ${instant(validToMs)}`, renew);
  const left = validToMs - nowMs;
  if (left < warnBelowMs)
    return warn(id, title, `${what} expires in ${showSpan(left)}, on ${instant(validToMs)}`, renew);
  return ok(id, title, `${what} is valid until ${showDate(validToMs)}`);
}

function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
