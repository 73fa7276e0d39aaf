/** What of an object may leave the cluster: no bookkeeping that nobody reads, and never the data of a Secret. Pure. */

import type { KubeObject } from '../../protocol/kube-object.ts';

/** kubectl's copy of what was applied: for a Secret it holds the data once more. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export function outgoing(object: KubeObject): KubeObject {
  const { managedFields, ...bare } = object.metadata;
  const metadata = Array.isArray(managedFields) ? { ...bare, managedFields: managedFields.map(writer) } : bare;
  if (object.kind !== 'Secret') return { ...object, metadata };
  const { data: _data, stringData: _stringData, ...rest } = object;
  const { [LAST_APPLIED]: _applied, ...annotations } = metadata.annotations ?? {};
  return { ...rest, metadata: { ...metadata, ...(metadata.annotations && { annotations }) } };
}

/** Who wrote, and when; not the list of fields, which is larger than the object. */
function writer(entry: unknown): unknown {
  const { manager, operation, time } = entry as { manager?: string; operation?: string; time?: string };
  return { manager, operation, time };
}
