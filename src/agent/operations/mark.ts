/** The generation of the operation that wrote an object last, carried by the object: an agent without a memory knows its deeds by it. Pure. */

import { SluiceError } from '../../shared/errors.ts';
import { groupOf } from '../../protocol/kube-object.ts';
import type { KubeObject, ObjectRef } from '../../protocol/kube-object.ts';

const GENERATION = 'sluice.dev/generation';
/** Label on all that Sluice made. */
const ROLE = 'sluice.dev/role';

/**
 * Controllers copy the annotations of these to what they keep of each revision (ReplicaSet, ControllerRevision), and `kubectl
 * rollout undo` brings them back: they carry the mark as a label. Everywhere else labels are what is copied (of a Service to
 * its EndpointSlices).
 */
const COPIED_ANNOTATIONS: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

type Place = 'labels' | 'annotations';

function placeOf(kind: string): Place {
  return COPIED_ANNOTATIONS.has(kind) ? 'labels' : 'annotations';
}

/** The path of the mark in a kind, as the API server names a field in a conflict. */
export function markField(kind: string): string {
  return `.metadata.${placeOf(kind)}.${GENERATION}`;
}

/** Made by Sluice, so that whatever is on it is ours. */
export function isOurs(object: KubeObject): boolean {
  return object.metadata.labels?.[ROLE] !== undefined;
}

/** @returns 0 for an object without a mark, or with one that no number is. */
export function markOf({ kind, metadata }: Pick<KubeObject, 'kind' | 'metadata'>): number {
  const mark = Number(metadata[placeOf(kind)]?.[GENERATION] ?? 0);
  return Number.isSafeInteger(mark) && mark > 0 ? mark : 0;
}

export function withMark(object: KubeObject, generation: number): KubeObject {
  const place = placeOf(object.kind);
  const marked = { ...object.metadata[place], [GENERATION]: String(generation) };
  return { ...object, metadata: { ...object.metadata, [place]: marked } };
}

/** A merge or strategic patch that also puts the mark on, or, with `undefined`, takes it off. */
export function markedMerge(body: unknown, kind: string, generation: number | undefined): unknown {
  const { metadata, ...rest } = body as { metadata?: Partial<Record<Place, Record<string, unknown> | null>> };
  const place = placeOf(kind);
  const there = metadata?.[place];
  // A patch that takes all of them away takes the mark too; with it put back among nulls the API server would keep the others.
  if (there === null) return body;
  const mark = generation === undefined ? null : String(generation);
  return { ...rest, metadata: { ...metadata, [place]: { ...there, [GENERATION]: mark } } };
}

/**
 * JSON patch steps with the mark: what was known of it is tested in the same write, so that of two agents that have looked only
 * one gets through.
 * @param known the mark that the object carries; 0: none.
 * @param isBare it has no labels or annotations at all, and a step can't add to what is not there.
 */
export function markedSteps(
  kind: string,
  steps: unknown[],
  known: number,
  generation: number,
  isBare: boolean,
): unknown[] {
  const place = `/metadata/${placeOf(kind)}`;
  const path = `${place}/${GENERATION.replace('/', '~1')}`;
  const value = String(generation);
  if (isBare) {
    return [
      { op: 'test', path: place, value: null },
      ...steps,
      { op: 'add', path: place, value: { [GENERATION]: value } },
    ];
  }
  const test = { op: 'test', path, value: known === 0 ? null : String(known) };
  return [test, ...steps, { op: 'add', path, value }];
}

/**
 * What an object's mark says of an operation.
 * @returns true: this very operation wrote it. @throws SluiceError SUPERSEDED: a later one did.
 */
export function isDone(mark: number, generation: number, object: string): boolean {
  if (mark <= generation) return mark === generation;
  throw new SluiceError(
    'SUPERSEDED',
    `Not done: ${object} was written by a later operation (generation ${mark}, this one is ${generation}). If the orchestrator's database was restored or made anew, remove ${GENERATION} from it.`,
  );
}

/** One key for an object, whichever version of its API is spoken of. @param namespace where the reference names none. */
export function keyOf(ref: Pick<ObjectRef, 'apiVersion' | 'kind' | 'namespace' | 'name'>, namespace: string): string {
  const { apiVersion, kind, name } = ref;
  return `${groupOf(apiVersion)}/${kind}/${ref.namespace ?? namespace}/${name}`;
}
