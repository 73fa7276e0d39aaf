/** The last lines of the containers of some pods; of one that crashed and waits, the lines of its last life. */

import type { LogsSpec, ResultValue } from '../../protocol/operation.ts';
import { isWorthRetrying } from '../kubernetes/kube-error.ts';
import type { OperationContext } from './context.ts';

interface ContainerStatus {
  name: string;
  state?: { waiting?: object; running?: object; terminated?: object };
  lastState?: { terminated?: object };
}

interface Pod {
  metadata: { name: string };
  status?: { containerStatuses?: ContainerStatus[]; initContainerStatuses?: ContainerStatus[] };
}

interface LogSource {
  pod: string;
  container: string;
  previous: boolean;
}

/** One result is one message of at most 1 MiB; text grows a little as JSON. */
const CONTAINER_BYTES = 64 * 1024;
const MAX_CONTAINERS = 10;

export async function logs(context: OperationContext, spec: LogsSpec): Promise<ResultValue['logs']> {
  const path = `/api/v1/namespaces/${encodeURIComponent(spec.namespace)}/pods`;
  const found = await context.api.call<{ items: Pod[] }>({
    method: 'GET',
    path,
    query: { labelSelector: spec.labelSelector, limit: 100 },
    what: `list pods in ${spec.namespace}`,
    signal: context.signal,
  });
  const wanted = found.items.flatMap(logSources).slice(0, MAX_CONTAINERS);
  const pods = await Promise.all(
    wanted.map(async ({ pod, container, previous }) => {
      const query = { container, previous, tailLines: spec.tailLines, limitBytes: CONTAINER_BYTES };
      const what = `read the log of ${container} in pod ${spec.namespace}/${pod}`;
      const text = await context.api
        .text({ method: 'GET', path: `${path}/${encodeURIComponent(pod)}/log`, query, what, signal: context.signal })
        .catch((error: unknown) => {
          // A pod that goes away meanwhile has no log; the others' are still wanted.
          if (isWorthRetrying(error) || context.signal.aborted) throw error;
          return '';
        });
      return { pod, container, text };
    }),
  );
  return { pods };
}

/** Which logs of a pod exist: a container that never ran has none. Pure. */
export function logSources(pod: Pod): LogSource[] {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  return statuses.flatMap(({ name, state, lastState }): LogSource[] => {
    const source = { pod: pod.metadata.name, container: name };
    if (state?.running || state?.terminated) return [{ ...source, previous: false }];
    return lastState?.terminated ? [{ ...source, previous: true }] : [];
  });
}
