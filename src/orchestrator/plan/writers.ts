/** Who wrote to an object: the names that clients give themselves. */

import type { KubeObject } from '../../protocol/kube-object.ts';

/** Sluice itself, and the controllers that keep a Deployment's status. */
const EXPECTED = new Set(['sluice', 'kube-controller-manager']);

/** Field managers, other than Sluice's own, that wrote at `sinceMs` (milliseconds since the epoch) or later. */
export function writersSince(object: KubeObject, sinceMs: number): string[] {
  const entries = (object.metadata['managedFields'] ?? []) as { manager?: string; time?: string }[];
  // The API server keeps whole seconds.
  const since = Math.floor(sinceMs / 1000) * 1000;
  const recent = entries.filter(({ manager, time }) => !EXPECTED.has(manager ?? '') && Date.parse(time ?? '') >= since);
  return [...new Set(recent.map(({ manager }) => manager ?? 'somebody'))];
}
