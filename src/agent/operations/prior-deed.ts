/** Whether an operation has been done before, by this agent or the one before it: told by the mark on the object. */

import type { KubeObject, ObjectRef } from '../../protocol/kube-object.ts';
import { KubeError } from '../kubernetes/kube-error.ts';
import { label, locate } from './context.ts';
import type { OperationContext } from './context.ts';
import { isDone, keyOf, markOf } from './mark.ts';
import { outgoing } from './outgoing.ts';

const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** How long the look after a write without an answer may take, beyond the operation's deadline. */
const LOOK_MS = 5000;

/**
 * Whether this very operation wrote the object already. Asks the API server only where the memory can't tell: the operation was
 * sent before, or `unsure` and nothing is known of the object.
 * @throws SluiceError SUPERSEDED: a later operation wrote it, nothing may be done.
 */
export async function wasDone(context: OperationContext, ref: ObjectRef, unsure: boolean): Promise<boolean> {
  const { generation, namespace } = context.operation;
  if (context.history === 'done') return true;
  if (generation === undefined) return false;
  const known = context.marks.get(keyOf(ref, namespace));
  const mustAsk = context.history === 'repeated' || (unsure && known === undefined);
  if (mustAsk) context.looked();
  const mark = mustAsk ? await readMark(context, ref, context.signal) : known;
  return mark !== undefined && isDone(mark, generation, label(context, ref));
}

/** The object as it is now, to answer with in place of a second write. */
export async function readBack(context: OperationContext, ref: ObjectRef): Promise<KubeObject> {
  const what = `read ${label(context, ref)} again`;
  const path = await locate(context, ref);
  const object = await context.api.call<KubeObject>({ method: 'GET', path, what, signal: context.signal });
  learn(context, object);
  return outgoing(object);
}

/**
 * After a write that ended without a clear answer: the object, if it was written all the same. A look that fails tells nothing.
 * @param error how the write ended.
 */
export async function writtenAfterAll(
  context: OperationContext,
  ref: ObjectRef,
  error: unknown,
): Promise<KubeObject | undefined> {
  const { generation } = context.operation;
  if (generation === undefined || !isUnclear(error)) return undefined;
  const signal = AbortSignal.timeout(LOOK_MS);
  try {
    if ((await readMark(context, ref, signal)) !== generation) return undefined;
    return await readBack({ ...context, signal }, ref);
  } catch {
    return undefined;
  }
}

/** Remembers the mark of an object that was read. */
export function learn(context: OperationContext, object: KubeObject): void {
  const { apiVersion, kind, metadata } = object;
  const { namespace, name } = metadata;
  const key = keyOf({ apiVersion, kind, name, ...(namespace && { namespace }) }, context.operation.namespace);
  context.marks.seen(key, markOf(object));
}

/** No answer, or one of something in between; or a conflict, which a lost first try of our own may have made. */
function isUnclear(error: unknown): boolean {
  if (!(error instanceof KubeError) || error.reason === 'ECONNREFUSED') return false;
  return error.status === 0 || error.status >= 500 || error.status === 409;
}

async function readMark(context: OperationContext, ref: ObjectRef, signal: AbortSignal): Promise<number | undefined> {
  const { api, marks, operation } = context;
  const what = `look whether ${label(context, ref)} is written already`;
  const path = await locate(context, ref);
  try {
    const { metadata } = await api.call<Pick<KubeObject, 'metadata'>>({
      method: 'GET',
      path,
      accept: METADATA_ONLY,
      what,
      signal,
    });
    const mark = markOf({ kind: ref.kind, metadata });
    // Within its lane nobody of this agent writes beside it: what is there now is what counts.
    marks.written(keyOf(ref, operation.namespace), mark);
    return mark;
  } catch (error) {
    if (error instanceof KubeError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}
