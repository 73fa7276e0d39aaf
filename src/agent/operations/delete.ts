/** Deletes one object, and if asked waits by watch until it is gone. */

import type { DeleteSpec, ResultValue } from '../../protocol/operation.ts';
import { KubeError } from '../kubernetes/kube-error.ts';
import { pathOf } from '../kubernetes/resources.ts';
import { readWatchEvents } from '../kubernetes/watch-events.ts';
import { label, locate } from './context.ts';
import type { OperationContext } from './context.ts';
import { asPrecondition, preconditionsOf } from './patch.ts';

const POLICIES = { background: 'Background', foreground: 'Foreground', orphan: 'Orphan' } as const;

/** Either the object as it waits for its end, or a Status that says it is gone, with the uid in its details. */
interface DeleteAnswer {
  kind?: string;
  metadata?: { uid?: string; name?: string };
}

export async function deleteObject(context: OperationContext, spec: DeleteSpec): Promise<ResultValue['delete']> {
  const { api, signal } = context;
  const preconditions = preconditionsOf(spec.object);
  const what = `delete ${label(context, spec.object)}`;
  let answer: DeleteAnswer;
  try {
    answer = await api.call<DeleteAnswer>({
      method: 'DELETE',
      path: await locate(context, spec.object),
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: POLICIES[spec.propagation],
        ...(spec.object.uid && { preconditions }),
      },
      what,
      signal,
    });
  } catch (error) {
    if (error instanceof KubeError && error.code === 'NOT_FOUND') return { found: false };
    throw spec.object.uid ? asPrecondition(error, what) : error;
  }
  const uid = answer.kind === 'Status' ? undefined : answer.metadata?.uid;
  if (spec.waitGone === true && uid !== undefined) await untilGone(context, spec, uid);
  return { found: true };
}

/** Ends when no object of that name with that uid is left: a new one of the same name is another's business. */
async function untilGone(context: OperationContext, spec: DeleteSpec, uid: string): Promise<void> {
  const { api, resources, signal, operation } = context;
  const { apiVersion, kind, namespace, name } = spec.object;
  const path = pathOf(await resources.find(apiVersion, kind), namespace ?? operation.namespace);
  const what = `wait for the end of ${label(context, spec.object)}`;
  const fieldSelector = `metadata.name=${name}`;
  for (;;) {
    const list = await api.call<{
      metadata: { resourceVersion: string };
      items: { metadata: { uid?: string } }[];
    }>({ method: 'GET', path, query: { fieldSelector }, what, signal });
    if (!list.items.some((item) => item.metadata.uid === uid)) return;
    const { resourceVersion } = list.metadata;
    const query = { watch: true, fieldSelector, resourceVersion, timeoutSeconds: 240 };
    const answer = await api.open({ method: 'GET', path, query, what, signal });
    for await (const event of readWatchEvents(answer, what, signal)) {
      if (event.type === 'DELETED' && event.object.metadata.uid === uid) return;
    }
    // The watch's own timeout: look again.
  }
}
