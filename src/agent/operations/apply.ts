/** Server-side apply of some objects: namespaces, then definitions of kinds, then the rest as given; stops at the first that fails. */

import { SluiceError } from '../../shared/errors.ts';
import type { ApplySpec, ResultValue } from '../../protocol/operation.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';
import { KubeError } from '../kubernetes/kube-error.ts';
import { FIELD_MANAGER, label, locate } from './context.ts';
import type { OperationContext } from './context.ts';
import { isDefinition, untilEstablished } from './established.ts';
import { isOurs, keyOf, markField, markOf, withMark } from './mark.ts';
import { refOf } from './object-ref.ts';
import { outgoing } from './outgoing.ts';
import { readBack, wasDone, writtenAfterAll } from './prior-deed.ts';

/** @returns the objects in the order they were given. @throws SluiceError that says what was applied and what was not; SUPERSEDED */
export async function apply(context: OperationContext, spec: ApplySpec): Promise<ResultValue['apply']> {
  const { objects } = spec;
  const order = applyOrder(objects);
  // All are asked before any is written: of an operation that is too old nothing is done.
  const done = await Promise.all(objects.map((object) => wasApplied(context, spec, object)));
  const results = new Map<KubeObject, KubeObject>();
  for (const [at, object] of order.entries()) {
    const ref = refOf(object);
    try {
      const isRepeat = done[objects.indexOf(object)] === true;
      results.set(object, isRepeat ? await readBack(context, ref) : await applyOne(context, spec, object));
      if (isDefinition(object) && spec.dryRun !== true) await untilEstablished(context, object);
    } catch (error) {
      throw order.length > 1 ? partWay(context, error, order, at) : error;
    }
    if (order.length > 1) context.progress(`applied ${at + 1} of ${order.length}: ${label(context, ref)}`);
  }
  return { objects: objects.flatMap((object) => results.get(object) ?? []) };
}

/** What others live in, and what makes their kinds known, comes first. Pure. */
export function applyOrder(objects: readonly KubeObject[]): KubeObject[] {
  const rank = (object: KubeObject): number => (isDefinition(object) ? 1 : object.kind === 'Namespace' ? 0 : 2);
  return objects.toSorted((a, b) => rank(a) - rank(b));
}

/** Only what is ours carries a mark; a manifest of the user's bears to be applied twice. */
async function wasApplied(context: OperationContext, spec: ApplySpec, object: KubeObject): Promise<boolean> {
  if (spec.dryRun === true || (context.history !== 'done' && !isOurs(object))) return false;
  return wasDone(context, refOf(object), false);
}

async function applyOne(context: OperationContext, spec: ApplySpec, object: KubeObject): Promise<KubeObject> {
  const { generation } = context.operation;
  if (spec.dryRun === true || !isOurs(object) || generation === undefined) return send(context, spec, object);
  const marked = withMark(object, generation);
  const ref = refOf(object);
  try {
    return await send(context, spec, marked);
  } catch (error) {
    // A patch of ours put the last mark on, which counts as another writer. It is the only conflict, so there is nobody to ask.
    const isOnlyMark = error instanceof KubeError && error.status === 409 && error.fields.length > 0;
    if (isOnlyMark && error.fields.every((field) => field === markField(object.kind))) {
      return await send(context, { ...spec, force: true }, marked);
    }
    const written = await writtenAfterAll(context, ref, error);
    if (written) return written;
    throw error;
  }
}

async function send(context: OperationContext, spec: ApplySpec, object: KubeObject): Promise<KubeObject> {
  const { api, marks, operation, permit, resources, signal } = context;
  const ref = refOf(object);
  const path = await locate(context, ref);
  const { managedFields: _managedFields, namespace: _namespace, ...metadata } = object.metadata;
  const { namespaced } = await resources.find(ref.apiVersion, ref.kind);
  const namespace = ref.namespace ?? operation.namespace;
  const isTrial = spec.dryRun === true;
  const stored = await api.call<KubeObject>({
    method: 'PATCH',
    path,
    query: {
      fieldManager: FIELD_MANAGER,
      force: spec.force === true,
      dryRun: isTrial ? 'All' : undefined,
    },
    // JSON is YAML; the API server takes an apply under this type alone in every version that has it.
    contentType: 'application/apply-patch+yaml',
    body: { ...object, metadata: { ...metadata, ...(namespaced && { namespace }) } },
    what: `${isTrial ? 'try out' : 'apply'} ${label(context, ref)}`,
    signal,
    ...(!isTrial && { permit }),
  });
  if (!isTrial) marks.written(keyOf(ref, operation.namespace), markOf(stored));
  return outgoing(stored);
}

/** The same failure, with what was done before it and what was not done after it. */
function partWay(context: OperationContext, error: unknown, order: readonly KubeObject[], at: number): unknown {
  if (!(error instanceof SluiceError)) return error;
  const names = (some: readonly KubeObject[]): string => some.map((each) => label(context, refOf(each))).join(', ');
  const before = at === 0 ? 'Nothing was applied before it.' : `Applied before it: ${names(order.slice(0, at))}.`;
  const after = at === order.length - 1 ? '' : ` Not applied: ${names(order.slice(at + 1))}.`;
  const { code, message, disposition } = error;
  return new SluiceError(code, `${message} ${before}${after}`, { disposition, cause: error });
}
