/** One patch of one object, with the preconditions put into the patch itself, so that the API server judges them. */

import { SluiceError } from '../../shared/errors.ts';
import type { PatchSpec, ResultValue } from '../../protocol/operation.ts';
import type { KubeObject, ObjectRef } from '../../protocol/kube-object.ts';
import { KubeError } from '../kubernetes/kube-error.ts';
import { FIELD_MANAGER, label, locate } from './context.ts';
import type { OperationContext } from './context.ts';
import { outgoing } from './outgoing.ts';

const CONTENT_TYPES: Record<PatchSpec['type'], string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
};

export async function patch(context: OperationContext, spec: PatchSpec): Promise<ResultValue['patch']> {
  const preconditions = preconditionsOf(spec.object, spec.resourceVersion);
  const what = `patch ${label(context, spec.object)}`;
  try {
    const object = await context.api.call<KubeObject>({
      method: 'PATCH',
      path: await locate(context, spec.object),
      query: { fieldManager: FIELD_MANAGER },
      contentType: CONTENT_TYPES[spec.type],
      body: spec.type === 'json' ? guardedList(spec, preconditions) : guardedMerge(spec.body, preconditions),
      what,
      signal: context.signal,
      // A merge says what is to be; a list of JSON patch steps may add twice, unless a version forbids the second time.
      repeatable: spec.type !== 'json' || spec.resourceVersion !== undefined,
    });
    return { object: outgoing(object) };
  } catch (error) {
    throw Object.keys(preconditions).length > 0 ? asPrecondition(error, what) : error;
  }
}

/**
 * Also for deletion: a conflict where we asked for a certain object or version is that one's fault.
 * Another uid is a 409 to a deletion, and to a patch a 422 about `metadata.uid`.
 */
export function asPrecondition(error: unknown, what: string): unknown {
  if (!(error instanceof KubeError)) return error;
  if (error.status !== 409 && !(error.status === 422 && error.fields.includes('metadata.uid'))) return error;
  return new SluiceError(
    'PRECONDITION',
    `Did not ${what}: it is not the object or version that was meant, somebody else changed or replaced it (${error.message}). Read it again.`,
    { cause: error },
  );
}

/** The metadata that an object must have, by which the API server refuses a patch of another. */
export function preconditionsOf(ref: ObjectRef, resourceVersion?: string): Record<string, string> {
  return { ...(ref.uid && { uid: ref.uid }), ...(resourceVersion && { resourceVersion }) };
}

function guardedMerge(body: unknown, preconditions: Record<string, string>): unknown {
  if (Object.keys(preconditions).length === 0) return body;
  const { metadata, ...rest } = body as { metadata?: object };
  return { ...rest, metadata: { ...metadata, ...preconditions } };
}

/** `replace`, not `test`: a failed test is a 422 without a reason, a replaced version or uid is the API server's own conflict. */
function guardedList(spec: PatchSpec, preconditions: Record<string, string>): unknown {
  if (!Array.isArray(spec.body)) throw new SluiceError('INVALID', 'The body of a JSON patch is a list of steps.');
  const guards = Object.entries(preconditions).map(([key, value]) => ({
    op: 'replace',
    path: `/metadata/${key}`,
    value,
  }));
  return [...guards, ...(spec.body as unknown[])];
}
