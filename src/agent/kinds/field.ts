/** What of an object an order may change: how it is read, and which steps of a JSON patch change it. Pure. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { Json } from '../../protocol/records.ts';

/** One step of a JSON patch (RFC 6902). */
export interface Step {
  op: 'test' | 'add' | 'replace' | 'remove';
  path: string;
  value?: unknown;
}

export interface Field {
  /** Absent reads as null. */
  read(object: KubeObject): Json;
  /**
   * @param object as it was read: the steps test that it still is so.
   * @param to what is written; null takes it away.
   * @returns undefined where the object has no place for it.
   */
  steps(object: KubeObject, to: Json): Step[] | undefined;
}

/** A value at one place, such as `spec.paused`. */
export function valueAt(...place: string[]): Field {
  return {
    read: (object) => (at(object, place) ?? null) as Json,
    steps: (object, to) => replace(object, place, to),
  };
}

export function at(object: unknown, place: readonly (string | number)[]): unknown {
  let found = object;
  for (const key of place) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<string | number, unknown>)[key];
  }
  return found;
}

/** Tests what is there, absence included, and puts another value in its place. */
export function replace(object: unknown, place: readonly (string | number)[], to: unknown): Step[] {
  const path = pointer(place);
  const from = at(object, place);
  // The API server takes a test for null as one for absence.
  const test: Step = { op: 'test', path, value: from ?? null };
  if (to === null || to === undefined) return from === undefined ? [test] : [test, { op: 'remove', path }];
  return [test, { op: from === undefined ? 'add' : 'replace', path, value: to }];
}

/** RFC 6901: `~` and `/` within a key are escaped. */
function pointer(place: readonly (string | number)[]): string {
  return place.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
