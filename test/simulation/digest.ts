/** Digests of templates, remembered by the template: a simulated cluster asks for the same ones over and over. */

import { templateDigest } from '../../src/protocol/template-digest.ts';

const known = new Map<string, string>();

export function memoDigest(template: unknown): string {
  const text = JSON.stringify(template);
  const found = known.get(text);
  if (found !== undefined) return found;
  const digest = templateDigest(template);
  if (known.size > 5_000) known.clear();
  known.set(text, digest);
  return digest;
}
