/** One patch of one object, with the mark and the preconditions put into the patch itself, so that the API server judges them. */

import { SluiceError } from '../../shared/errors.ts';
import type { PatchSpec, ResultValue } from '../../protocol/operation.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';
import { KubeError } from '../kubernetes/kube-error.ts';
import { FIELD_MANAGER, label, locate } from './context.ts';
import type { OperationContext } from './context.ts';
import { keyOf, markOf, markedMerge, markedSteps } from './mark.ts';
import { outgoing } from './outgoing.ts';
import { asPrecondition, preconditionsOf } from './preconditions.ts';
import { readBack, wasDone, writtenAfterAll } from './prior-deed.ts';

const CONTENT_TYPES: Record<PatchSpec['type'], string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
};

/** @throws SluiceError SUPERSEDED, PRECONDITION, INVALID; KubeError */
export async function patch(context: OperationContext, spec: PatchSpec): Promise<ResultValue['patch']> {
  if (await wasDone(context, spec.object, true)) return { object: await readBack(context, spec.object) };
  try {
    return {
      object: await (spec.type === 'json'
        ? patchInSteps(context, spec)
        : write(context, spec, mergeBody(context, spec))),
    };
  } catch (error) {
    const object = await writtenAfterAll(context, spec.object, error);
    if (object) return { object };
    const preconditions = preconditionsOf(spec.object, spec.resourceVersion);
    throw Object.keys(preconditions).length > 0 ? asPrecondition(error, whatOf(context, spec)) : error;
  }
}

async function write(context: OperationContext, spec: PatchSpec, body: unknown): Promise<KubeObject> {
  const { api, marks, operation, permit, signal } = context;
  const version = spec.resourceVersion ?? spec.object.resourceVersion;
  const object = await api.call<KubeObject>({
    method: 'PATCH',
    path: await locate(context, spec.object),
    query: { fieldManager: FIELD_MANAGER },
    contentType: CONTENT_TYPES[spec.type],
    body,
    what: whatOf(context, spec),
    signal,
    permit,
    // A merge says what is to be; a list of JSON patch steps may add twice, unless a version forbids the second time.
    repeatable: spec.type !== 'json' || version !== undefined,
  });
  marks.written(keyOf(spec.object, operation.namespace), markOf(object));
  return outgoing(object);
}

function whatOf(context: OperationContext, spec: PatchSpec): string {
  return `patch ${label(context, spec.object)}`;
}

function mergeBody({ operation }: OperationContext, spec: PatchSpec): unknown {
  if (typeof spec.body !== 'object' || spec.body === null || Array.isArray(spec.body)) {
    throw new SluiceError('INVALID', `The body of a ${spec.type} patch is an object. This is a fault of the sender.`);
  }
  const { generation } = operation;
  const { kind } = spec.object;
  const isMarked = spec.forget === true || generation !== undefined;
  const body = isMarked ? markedMerge(spec.body, kind, spec.forget === true ? undefined : generation) : spec.body;
  const preconditions = preconditionsOf(spec.object, spec.resourceVersion);
  if (Object.keys(preconditions).length === 0) return body;
  const { metadata, ...rest } = body as { metadata?: object };
  return { ...rest, metadata: { ...metadata, ...preconditions } };
}

/** Tries between which others wrote: an operation's lane keeps its own agent out, so they are rare. */
const STEP_TRIES = 3;

async function patchInSteps(context: OperationContext, spec: PatchSpec): Promise<KubeObject> {
  const steps = guardedSteps(spec);
  const { generation, namespace } = context.operation;
  if (generation === undefined) return write(context, spec, steps);
  const { kind } = spec.object;
  const known = (): number => context.marks.get(keyOf(spec.object, namespace)) ?? 0;
  for (let tries = 1; ; tries++) {
    const mark = known();
    const marked = (isBare: boolean): unknown[] => markedSteps(kind, steps, mark, generation, isBare);
    try {
      return await write(context, spec, marked(false)).catch((error: unknown) => {
        if (mark > 0 || !doesNotApply(error)) throw error;
        return write(context, spec, marked(true));
      });
    } catch (error) {
      if (!doesNotApply(error)) throw error;
      // A step of the sender's, or the mark: somebody wrote since it was read.
      if (await wasDone({ ...context, history: 'repeated' }, spec.object, true)) return readBack(context, spec.object);
      if (known() === mark || tries === STEP_TRIES) throw error;
    }
  }
}

function guardedSteps(spec: PatchSpec): unknown[] {
  if (!Array.isArray(spec.body)) throw new SluiceError('INVALID', 'The body of a JSON patch is a list of steps.');
  if (spec.forget === true) {
    throw new SluiceError('INVALID', 'A JSON patch cannot let go of an object: use a merge patch.');
  }
  // `replace`, not `test`: a failed test is a 422 without a reason, a replaced version or uid is the API server's own conflict.
  const guards = Object.entries(preconditionsOf(spec.object, spec.resourceVersion)).map(([key, value]) => ({
    op: 'replace',
    path: `/metadata/${key}`,
    value,
  }));
  return [...guards, ...(spec.body as unknown[])];
}

/** A JSON patch that cannot be applied is a 422 that names no field. */
function doesNotApply(error: unknown): boolean {
  return error instanceof KubeError && error.status === 422 && error.fields.length === 0;
}
