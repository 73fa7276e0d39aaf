/** The Event by which people find, on the root Service, that a guard has fired. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { GuardRecord } from '../health/reduce-guard.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';

/** An Event's message may be 1024 bytes long. */
const MESSAGE_CHARS = 900;

/** @throws KubeError; one that was made already is none. */
export async function announce(
  api: KubeApi,
  namespace: string,
  record: GuardRecord,
  signal: AbortSignal,
): Promise<void> {
  const { rootService } = record.spec;
  const base = `/api/v1/namespaces/${encodeURIComponent(namespace)}`;
  const what = `tell of the guard on Service ${namespace}/${rootService}`;
  // `kubectl describe service` finds events by the uid.
  const service = await api.call<KubeObject>({
    method: 'GET',
    path: `${base}/services/${encodeURIComponent(rootService)}`,
    what,
    signal,
  });
  await api.text({
    method: 'POST',
    path: `${base}/events`,
    body: eventOf(namespace, record, service.metadata.uid),
    what,
    signal,
    // A second one of the same name is refused.
    repeatable: true,
  });
}

function eventOf(namespace: string, record: GuardRecord, uid: string | undefined): object {
  const { spec, at, reason } = record;
  const seconds = `${at.slice(0, 19)}Z`;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${spec.rootService}.guard-${Date.parse(at).toString(16)}`, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Service', namespace, name: spec.rootService, uid },
    type: 'Warning',
    reason: 'GuardFired',
    message: `All traffic was sent to ${spec.stableService}: ${reason}`.slice(0, MESSAGE_CHARS),
    firstTimestamp: seconds,
    lastTimestamp: seconds,
    count: 1,
    source: { component: 'sluice-agent' },
  };
}
