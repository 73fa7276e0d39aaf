/** That an object is the very one that was meant: what is asked of the API server, and what its refusal means. Pure. */

import { SluiceError } from '../../shared/errors.ts';
import type { ObjectRef } from '../../protocol/kube-object.ts';
import { KubeError } from '../kubernetes/kube-error.ts';

/** The metadata that an object must have, by which the API server refuses to change another. */
export function preconditionsOf(ref: ObjectRef, resourceVersion = ref.resourceVersion): Record<string, string> {
  return { ...(ref.uid && { uid: ref.uid }), ...(resourceVersion && { resourceVersion }) };
}

/**
 * A conflict where we asked for a certain object or version is that one's fault.
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

/** Of an object that was read. @throws SluiceError PRECONDITION */
export function checkPreconditions(
  ref: ObjectRef,
  metadata: { uid?: string; resourceVersion?: string },
  what: string,
): void {
  if (ref.uid && metadata.uid !== ref.uid) {
    throw new SluiceError(
      'PRECONDITION',
      `Could not ${what}: another object of that name is there now. Read it by name.`,
    );
  }
  if (ref.resourceVersion && metadata.resourceVersion !== ref.resourceVersion) {
    throw new SluiceError(
      'PRECONDITION',
      `Could not ${what}: it has changed since version ${ref.resourceVersion}. Read it again.`,
    );
  }
}
