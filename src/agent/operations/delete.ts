/** Deletes one object, and if asked waits by watch until it is gone. */

import { SluiceError } from '../../shared/errors.ts';
import type { DeleteSpec, ResultValue } from '../../protocol/operation.ts';
import { KubeError } from '../kubernetes/kube-error.ts';
import { pathOf } from '../kubernetes/resources.ts';
import { readWatchEvents } from '../kubernetes/watch-events.ts';
import { label, locate } from './context.ts';
import type { OperationContext } from './context.ts';
import { keyOf } from './mark.ts';
import { asPrecondition, preconditionsOf } from './preconditions.ts';
import { wasDone } from './prior-deed.ts';

const POLICIES = { background: 'Background', foreground: 'Foreground', orphan: 'Orphan' } as const;

interface EndingObject {
  metadata: { uid?: string; name?: string; finalizers?: string[] };
}

/** Either the object as it waits for its end, or a Status that says it is gone, with the uid in its details. */
interface DeleteAnswer extends Partial<EndingObject> {
  kind?: string;
}

/** @throws SluiceError SUPERSEDED (an object that was made anew by a later operation), PRECONDITION, CANCELLED; KubeError */
export async function deleteObject(context: OperationContext, spec: DeleteSpec): Promise<ResultValue['delete']> {
  // Of a repeated one only: the object may have been made anew since. Nothing else leaves a mark with a deletion.
  if (context.history === 'repeated') await wasDone(context, spec.object, false);
  const answer = await remove(context, spec);
  if (answer === undefined) return { found: false };
  context.marks.forget(keyOf(spec.object, context.operation.namespace));
  const uid = answer.kind === 'Status' ? undefined : answer.metadata?.uid;
  if (spec.waitGone === true && uid !== undefined) {
    // The deed is done. Whoever wants the object to end sooner, or its finalizers off, must not wait for us.
    context.leaveLane();
    await untilGone(context, spec, uid);
  }
  return { found: true };
}

async function remove(context: OperationContext, spec: DeleteSpec): Promise<DeleteAnswer | undefined> {
  const { api, signal, permit } = context;
  const preconditions = preconditionsOf(spec.object);
  const hasPreconditions = Object.keys(preconditions).length > 0;
  const what = `delete ${label(context, spec.object)}`;
  try {
    return await api.call<DeleteAnswer>({
      method: 'DELETE',
      path: await locate(context, spec.object),
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: POLICIES[spec.propagation],
        ...(hasPreconditions && { preconditions }),
      },
      what,
      signal,
      permit,
    });
  } catch (error) {
    if (error instanceof KubeError && error.code === 'NOT_FOUND') return undefined;
    throw hasPreconditions ? asPrecondition(error, what) : error;
  }
}

/**
 * Ends when no object of that name with that uid is left: a new one of the same name is another's business.
 * @throws SluiceError that says what keeps the object, when it is interrupted.
 */
async function untilGone(context: OperationContext, spec: DeleteSpec, uid: string): Promise<void> {
  const { api, resources, signal, operation } = context;
  const { apiVersion, kind, namespace, name } = spec.object;
  const path = pathOf(await resources.find(apiVersion, kind), namespace ?? operation.namespace);
  const what = `wait for the end of ${label(context, spec.object)}`;
  const fieldSelector = `metadata.name=${name}`;
  let last: EndingObject | undefined;
  try {
    for (;;) {
      const list = await api.call<{ metadata: { resourceVersion: string }; items: EndingObject[] }>({
        method: 'GET',
        path,
        query: { fieldSelector },
        what,
        signal,
      });
      last = list.items.find((item) => item.metadata.uid === uid);
      if (last === undefined) return;
      const { resourceVersion } = list.metadata;
      const query = { watch: true, fieldSelector, resourceVersion, timeoutSeconds: 240 };
      const answer = await api.open({ method: 'GET', path, query, what, signal });
      for await (const event of readWatchEvents(answer, what, signal)) {
        if (event.object.metadata.uid !== uid) continue;
        if (event.type === 'DELETED') return;
        last = event.object;
      }
      // The watch's own timeout: look again.
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new SluiceError(
      'CANCELLED',
      `${label(context, spec.object)} is being deleted, and was not gone yet${keptBy(last)}.`,
      { cause: error },
    );
  }
}

function keptBy(object: EndingObject | undefined): string {
  const finalizers = object?.metadata.finalizers ?? [];
  if (finalizers.length === 0) return '';
  return `: its finalizers keep it (${finalizers.join(', ')}). See that their controllers run, or remove them by hand`;
}
