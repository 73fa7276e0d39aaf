/** A pod template as one short text: as the Deployment controller compares, without the label of the hash. */

import { createHash } from 'node:crypto';

/** The same template has the same digest, whatever the order of its keys; no labels or annotations are the same as an empty map of them. */
export function templateDigest(template: unknown): string {
  const { metadata, ...rest } = (template ?? {}) as { metadata?: Record<string, unknown> };
  const { creationTimestamp: _at, labels, annotations, ...more } = metadata ?? {};
  const { 'pod-template-hash': _hash, ...own } = (labels ?? {}) as Record<string, unknown>;
  return createHash('sha256')
    .update(canonical({ ...rest, metadata: { ...more, labels: own, annotations: annotations ?? {} } }))
    .digest('hex')
    .slice(0, 16);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`);
  return `{${parts.join(',')}}`;
}
